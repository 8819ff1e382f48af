"""E-mail out: pages and notices that go beside the phones when the carrier fails.

post    what may be asked of a mail server, and what may come of it
smtp    a mail server, by SMTP; where it is, read from one URL
"""
