"""The phone: the only room that knows Twilio.

    line              what the rest of the product may ask of a carrier, and what it may answer
    twilio            that, asked of Twilio through its official client
    sound             the sound of a recording, fetched piece by piece
    connection        what is resent, how long anything may take, where requests go
    broken            what became of a request that raised
    codes             Twilio's error numbers, turned into a few words of ours
    form              what Twilio posts to us, as it was posted
    fields            single fields of it: which must be there, which are believed
    signature         whether Twilio posted it
    callbacks         what it means, of texts and pages: frozen facts
    call_callbacks    the same, of a rep's call to a lead
    caller_callbacks  the same, of callers, their messages and recordings
    voice             what is said on a call that pages (TwiML)
    voice_calls       what is done on a call where rep and lead meet (TwiML)
    ringing           the sound of ringing, as a file
    urls              the names of all callback paths, for the sender and for the web

This room never reads configuration, knows no lead, and decides nothing: it carries.
"""
