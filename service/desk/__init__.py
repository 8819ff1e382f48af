"""The shell: what happened goes in, what must go out comes of it, each in one transaction.

    take_in   a request arrived            (web)
    hear_*    somebody told us something   (web: texts, keys, receipts, facts from outside)
    attend    look at a lead, and act      (workers; the only place that orders messages)
    dispatch  take a message, settle it    (workers' sender threads)

Everything here asks the rules and writes the answer down. It decides nothing, sends nothing, and
does nothing slow while it holds a lead.
"""
