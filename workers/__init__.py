"""What runs when nobody is watching.

    attend   the queue's one job: a look at a lead, by a long-lived worker without a fork per job
    send     the worker's sender threads: take a message, send it, settle it
    sweep    finds every look nobody took, every lease that ran out; owns time
    audit    proves each minute that nothing open is forgotten

Each is a thin loop around a verb of the desk. None decides anything.
"""
