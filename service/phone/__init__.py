"""The phone: the only room that knows Twilio.

    line        what the rest of the product may ask of a carrier, and what it may answer
    twilio      that, asked of Twilio through its official client
    connection  what is resent, how long anything may take, where requests go
    codes       Twilio's error numbers, turned into a few words of ours
    form        what Twilio posts to us, as it was posted
    signature   whether Twilio posted it
    callbacks   what it means: frozen facts
    voice       what is said on a call (TwiML)
    urls        the names of all callback paths, for the sender and for the web

This room never reads configuration, knows no lead, and decides nothing: it carries.
"""
