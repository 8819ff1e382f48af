"""The stand-in carrier: a server that speaks Twilio's Messages and Calls API to our code, and shows
the reps' phones on a page, so that the whole product runs without an account.

It is the outside world: it must not import the product's rules, phone or web rooms, and knows
nothing of leads beyond the front door that anyone may knock at.
"""
