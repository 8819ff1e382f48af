"""What a sender holds in its hands: a message taken, and what is asked of the carrier for it.

Values only; taking is ``dispatch``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.desk.desk import Desk
from service.desk.mailing import mail_of
from service.ledger.outbox_calls import HANG_UP_SUFFIX
from service.ledger.outbox_rows import Order, OutboxKind, OutboxRow
from service.mail.post import MailOrder
from service.phone import urls
from service.phone.line import CallOrder, TextOrder
from service.rules.lead import PageId
from service.rules.timeline import Channel
from service.team.team import Carrier

HANG_UP: OutboxKind = "hang_up"
# What rings a rep to connect them with a lead: at most once, since a second one would ring a phone
# that is perhaps talking.
RINGS: tuple[OutboxKind, ...] = ("bridge_call", "hunt_call")


@dataclass(frozen=True, slots=True)
class HangUpOrder:
    """End the call that the row ``leg`` made. ``sid``: the carrier's name for it, if that was
    known."""

    page_id: PageId
    sid: str | None
    leg: PageId


@dataclass(frozen=True, slots=True)
class Taking:
    """A message that this sender alone may send, after ``wait_s`` seconds. ``carried`` are the
    other rows that its text is about."""

    row: OutboxRow
    order: TextOrder | CallOrder | MailOrder | HangUpOrder
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
        call_id=order.call_id,
        lane=order.lane,
    )


def taking_of(desk: Desk, row: OutboxRow, public_url: str) -> Taking:
    """A message that was given to a sender as taken, ready to be sent."""
    team = desk.present.crew().team
    sender = row.from_number or sender_of(row, team.carrier)
    ring_s = team.policy.calls.ring_rep_s
    return Taking(row, order_of(row, sender, public_url, ring_s, row.ordered_at))


def sender_of(row: OutboxRow, carrier: Carrier) -> str | None:
    """Which number of ours a message is from; None when it is from none."""
    if row.kind == HANG_UP or row.channel is Channel.EMAIL:
        return None
    return carrier.pages_call_from if row.channel is Channel.CALL else carrier.pages_from


def order_of(
    row: OutboxRow, sender: str | None, public_url: str, ring_s: int, now: datetime
) -> TextOrder | CallOrder | MailOrder | HangUpOrder:
    """What is asked of the carrier, or of the mail server, for a row. The row's id is in the
    callback's URL."""
    if row.channel is Channel.EMAIL:
        return mail_of(row)
    if row.kind == HANG_UP:
        return _hang_up_of(row)
    assert sender is not None, "calls and texts come from a number of ours"
    left_s = max(1, int((row.not_after - now).total_seconds()))
    if row.channel is Channel.CALL:
        return CallOrder(
            page_id=row.id,
            to=row.to_number,
            from_=sender,
            twiml_url=_says_at(row, public_url),
            callback_url=urls.call_status_url(public_url, row.id),
            # A rep who is rung for a caller is rung no longer than the caller waits.
            ring_s=min(ring_s, left_s) if row.kind == "hunt_call" else ring_s,
        )
    return TextOrder(
        page_id=row.id,
        to=row.to_number,
        from_=sender,
        body=row.body,
        callback_url=urls.text_status_url(public_url, row.id),
        validity_s=left_s,
    )


def _says_at(row: OutboxRow, public_url: str) -> str:
    """Where the carrier asks what to say to whoever picks up."""
    if row.kind not in RINGS:
        return urls.page_twiml_url(public_url, row.id)
    assert row.call_id is not None, "whoever rings for a call names it"
    if row.kind == "bridge_call":
        return urls.bridge_say_url(public_url, row.call_id)
    return urls.hunt_say_url(public_url, row.call_id, row.id)


def _hang_up_of(row: OutboxRow) -> HangUpOrder:
    """Its body is the carrier's name of the call, if that was known when it was ordered."""
    leg = PageId(row.id.removesuffix(HANG_UP_SUFFIX))
    return HangUpOrder(row.id, row.body or None, leg)
