"""A row of the outbox as an e-mail, and what the mail server says of it in the words of the line:
so that a sender settles an e-mail as it settles a text.
"""

from __future__ import annotations

from service.ledger.outbox_rows import OutboxRow
from service.mail.post import Away, Lost, MailOrder, Post, Posted, Refused
from service.phone.line import Accepted, Busy, Rejected, SendOutcome, Unknown

# A mail server that is away is asked again by a sender some seconds later, at most twice.
PAUSE_S = 2.0


def mail_of(row: OutboxRow) -> MailOrder:
    """The e-mail of a row: its page's id stands in both copies, should it be sent twice."""
    return MailOrder(row.page_id, row.to_number, row.body)


def sent_by(post: Post | None, order: MailOrder) -> SendOutcome:
    """Hand it in; without a mail server it is refused, as the account's affair."""
    if post is None:
        return Rejected(None, "not_permitted", ends_channel=False, blame="config")
    match post.send(order):
        case Posted(message_id=message_id):
            return Accepted(message_id, "sent")
        case Refused(code=code, ours=True):
            return Rejected(code, "not_permitted", ends_channel=False, blame="config")
        case Refused(code=code):
            return Rejected(code, "blocked", ends_channel=True, blame="number")
        case Away(busy=busy):
            return Busy(PAUSE_S, "rate_limited" if busy else "connection")
        case Lost():
            return Unknown("connection")
