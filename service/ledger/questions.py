"""Which lead a letter means on a phone, and what we last sent there.

Letters belong to the phone. What a reply means is `rules.replies`' business.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from service.ledger.locks import hold_phones
from service.ledger.outbox_rows import Order
from service.rules.lead import LeadId, PageId, RepId
from service.rules.replies import LETTER_KEPT, free_letter
from service.rules.timeline import Channel

# The most questions a phone is ever asked at once or lately; a page beyond has no letter.
QUESTIONS_MAX = 200


@dataclass(frozen=True, slots=True)
class Question:
    """A page that awaits, or awaited, an answer from one phone about one lead."""

    phone: str
    letter: str
    lead_id: LeadId
    rep_id: RepId
    opened_at: datetime
    closed_at: datetime | None
    last_page_id: PageId


@dataclass(frozen=True, slots=True)
class LastText:
    """What we last sent a phone, and when. ``lead_id`` None: an answer about no lead."""

    page_id: PageId
    lead_id: LeadId | None
    at: datetime


_QUESTIONS = text("""
select phone, letter, lead_id, rep_id, opened_at, closed_at, last_page_id from question
where phone = :phone and (closed_at is null or closed_at >= :closed_since)
order by opened_at, letter limit :limit
""")

# Letters that are taken: open, or still resting; and what this lead has on these phones.
_TAKEN = text("""
select phone, letter, lead_id, closed_at is null from question
where phone = any(cast(:phones as text[]))
  and (closed_at is null or closed_at > :rested or lead_id = :lead_id)
limit :limit
""")

_CLOSE = text("""
update question set closed_at = :at where lead_id = :lead_id and closed_at is null
  and (cast(:except_rep as text) is null or rep_id <> :except_rep)
  and (cast(:only_rep as text) is null or rep_id = :only_rep)
returning phone
""")

_LAST_TEXT = text("select page_id, lead_id, at from last_text where phone = :phone")

# Part of every statement that orders texts; `:last_texts` is `last_texts_json`. Sorted, so that
# two statements never cross; an older text never replaces a newer.
NOTE_LAST_TEXTS = """
insert into last_text (phone, page_id, lead_id, at)
select l.phone, l.page_id, l.lead_id, l.at
from jsonb_to_recordset(cast(:last_texts as jsonb)) as l (
  phone text, page_id text, lead_id text, at timestamptz)
order by l.phone
on conflict (phone) do update set page_id = excluded.page_id, lead_id = excluded.lead_id,
  at = excluded.at where last_text.at <= excluded.at
"""


def questions_of(
    conn: Connection, phone: str, closed_since: datetime | None = None
) -> list[Question]:
    """The phone's open questions, oldest first; with those closed since an instant, if given."""
    values = {"phone": phone, "closed_since": closed_since, "limit": QUESTIONS_MAX}
    return [Question(*row) for row in conn.execute(_QUESTIONS, values)]


@dataclass(frozen=True, slots=True)
class Letter:
    """The letter a lead has on a phone (None: every letter is taken), and whether the phone has
    other questions open, so that it must be shown."""

    letter: str | None
    others_open: bool


def letters_for(
    conn: Connection, lead_id: LeadId, phones: Sequence[str], at: datetime
) -> dict[str, Letter]:
    """The letter that a question about the lead has, or would have, on each phone.

    A question that is open keeps its letter. A letter is not given out while it is open, nor for
    30 min after it closed, except back to the lead that had it. None: every letter is taken, and
    the page must go without a question (the lead's link still works).

    Holds the phones until the transaction ends, so that no other lead is given the same letter;
    `look.write` opens the questions.
    """
    if not phones:
        return {}
    # Read only after the phones are held: else two leads would be given one letter.
    hold_phones(conn, phones)
    values = {"phones": list(phones), "rested": at - LETTER_KEPT, "lead_id": lead_id}
    rows = conn.execute(_TAKEN, {**values, "limit": QUESTIONS_MAX * len(phones)}).all()
    found = {}
    for phone in phones:
        taken = [(row[1], row[2], row[3]) for row in rows if row[0] == phone]
        others = any(is_open and holder != lead_id for _letter_, holder, is_open in taken)
        found[phone] = Letter(_letter(taken, lead_id), others)
    return found


def close_questions(
    conn: Connection,
    lead_id: LeadId,
    at: datetime,
    *,
    except_rep: RepId | None = None,
    only_rep: RepId | None = None,
) -> list[str]:
    """Close the lead's open questions, but one rep's or only one rep's; on which phones."""
    values = {
        "lead_id": lead_id,
        "at": at,
        "except_rep": except_rep,
        "only_rep": only_rep,
    }
    return list(conn.execute(_CLOSE, values).scalars().all())


def last_text(conn: Connection, phone: str) -> LastText | None:
    """What we last sent the phone."""
    row = conn.execute(_LAST_TEXT, {"phone": phone}).one_or_none()
    return LastText(*row) if row else None


def last_texts_json(orders: Sequence[Order], asks: Collection[PageId] = ()) -> str:
    """What each phone is last sent by these orders, as NOTE_LAST_TEXTS reads it: one row a phone,
    were it two texts at once. ``asks``: which of them ask for their lead to be taken."""
    last = {
        order.to_number: {
            "phone": order.to_number,
            "page_id": order.id,
            "lead_id": order.lead_id if order.id in asks else None,
            "at": order.ordered_at.isoformat(),
        }
        for order in orders
        if order.channel is Channel.TEXT
    }
    return json.dumps(list(last.values()))


def _letter(taken: Iterable[tuple[str, str, bool]], lead_id: LeadId) -> str | None:
    """The lead's own letter if nobody else has it by now, else the first that is free."""
    listed = list(taken)
    others = {letter for letter, holder, _open in listed if holder != lead_id}
    own = next((letter for letter, holder, _open in listed if holder == lead_id), None)
    if own is not None and own not in others:
        return own
    return free_letter(others)
