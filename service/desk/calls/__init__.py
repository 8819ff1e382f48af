"""Calls with a lead, as the carrier tells of them: each verb one transaction that holds the lead.

    dialling    where a lead's phone may be, and the floor that a call is decided on
    once        what the carrier tells is heard once; a replay gets the same document
    engagement  who is on a call, and who is free again

    bridge      the rep's leg: its whisper, its key, and the order to dial the lead
    ringing     the rep's leg has ended, or still rings though nobody wants it
    told        the lead's leg: what was told of it, kept until it can be read
    settling    a call that is over: what it came to, written once
    outcome     the digit by which a rep says how it went
    asking      calls whose end nobody told: the carrier is asked

    calling_in  the way in for whoever calls us: ``welcome``, ``through`` for a colleague
    finding     whose lead it is that calls or writes
    caller      a caller who is held; ``waiting``, ``hunting``, ``endings``, ``overdue``
    voicemail   what a caller left; ``listening`` plays it
    recorded    calls that both sides know to be recorded; ``unheard`` finds what nobody told of
    writing_in  a lead's own texts

``attend`` alone orders a call. Nothing here decides what a call means (``rules.calls``).
"""
