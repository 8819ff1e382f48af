"""What a sender holds in its hands: a message taken, and what is asked of the carrier for it.

Values only; taking is ``dispatch``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.desk.desk import Desk
from service.desk.mailing import mail_of
from service.ledger.outbox_rows import Order, OutboxRow
from service.mail.post import MailOrder
from service.phone import urls
from service.phone.line import CallOrder, TextOrder
from service.rules.timeline import Channel


@dataclass(frozen=True, slots=True)
class Taking:
    """A message that this sender alone may send, after ``wait_s`` seconds. ``carried`` are the
    other rows that its text is about."""

    row: OutboxRow
    order: TextOrder | CallOrder | MailOrder
    wait_s: float = 0.0
    carried: tuple[OutboxRow, ...] = ()

    @property
    def rows(self) -> tuple[OutboxRow, ...]:
        """All that was taken, the message's own row first."""
        return (self.row, *self.carried)


def taken_row(order: Order, taken_by: str) -> OutboxRow:
    """The row of a message that was ordered as taken, as its sender must know it."""
    return OutboxRow(
        id=order.id,
        lead_id=order.lead_id,
        seq=order.seq,
        kind=order.kind,
        channel=order.channel,
        rep_id=order.rep_id,
        to_number=order.to_number,
        from_number=order.from_number,
        body=order.body,
        not_after=order.not_after,
        state="taken",
        ordered_at=order.ordered_at,
        ordered_clock=order.ordered_at,
        taken_clock=None,
        taken_by=taken_by,
        lease_until=None,
        tries=1,
        carrier_sid=None,
        carrier_status=None,
        carrier_rank=None,
        code=None,
        again_of=None,
        sent_at=None,
    )


def taking_of(desk: Desk, row: OutboxRow, public_url: str) -> Taking:
    """A message that was given to a sender as taken, ready to be sent."""
    team = desk.present.crew().team
    sender = row.from_number or team.carrier.pages_from
    ring_s = team.policy.calls.ring_rep_s
    return Taking(row, order_of(row, sender, public_url, ring_s, row.ordered_at))


def order_of(
    row: OutboxRow, sender: str, public_url: str, ring_s: int, now: datetime
) -> TextOrder | CallOrder | MailOrder:
    """What is asked of the carrier, or of the mail server, for a row. The row's id is in the
    callback's URL."""
    if row.channel is Channel.EMAIL:
        return mail_of(row)
    if row.channel is Channel.CALL:
        return CallOrder(
            page_id=row.id,
            to=row.to_number,
            from_=sender,
            twiml_url=urls.page_twiml_url(public_url, row.id),
            callback_url=urls.call_status_url(public_url, row.id),
            ring_s=ring_s,
        )
    return TextOrder(
        page_id=row.id,
        to=row.to_number,
        from_=sender,
        body=row.body,
        callback_url=urls.text_status_url(public_url, row.id),
        validity_s=max(1, int((row.not_after - now).total_seconds())),
    )
