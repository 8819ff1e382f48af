"""A message whose sender died, or whose answer was lost: was it sent after all?

Asks the carrier, outside any transaction; ``settling.settle`` writes down what it says.
"""

from __future__ import annotations

from datetime import UTC, datetime

from service.desk.carried import as_its_head
from service.desk.desk import Desk
from service.desk.hanging_up import hang_up
from service.desk.taking import HangUpOrder, order_of, sender_of
from service.ledger import outbox
from service.ledger.outbox import OutboxRow
from service.mail.post import MailOrder
from service.phone.line import Accepted, Line, NotFound, SendOutcome, Unknown


def sent_after_all(
    desk: Desk, line: Line, row: OutboxRow, public_url: str
) -> SendOutcome | NotFound:
    """What the carrier says of a row that was taken and not settled. Of a row that another one's
    text carried, what was said of that text.

    A receipt that came meanwhile is proof without asking. Otherwise its list of messages is
    searched from the instant the row was taken, by the machine's clock and not by business time.
    A mail server keeps no list: an e-mail is sent once more, under the same Message-ID. The end of
    a call is asked for once more, here.
    """
    with desk.ledger.transaction() as conn:
        known = outbox.row(conn, row.id) or row
        others = outbox.sids_to(conn, row.to_number, row.channel)
        head = outbox.row(conn, known.carried_by) if known.carried_by else None
    if head is not None:
        return as_its_head(head) or Unknown("unreadable")
    if known.carrier_sid is not None:
        return Accepted(known.carrier_sid, known.carrier_status or "accepted")
    team = desk.present.crew().team
    sender = known.from_number or sender_of(known, team.carrier)
    order = order_of(known, sender, public_url, team.policy.calls.ring_rep_s, known.not_after)
    if isinstance(order, MailOrder):
        return NotFound()
    if isinstance(order, HangUpOrder):
        return hang_up(desk, line, order)
    # A row as its own sender knows it has no instant of taking; the ledger's has.
    since = known.taken_clock or datetime.min.replace(tzinfo=UTC)
    return line.find_sent(order, since, others)
