"""Which lead a letter means on a phone, and what we last sent there.

Letters belong to the phone. What a reply means is `rules.replies`' business.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from service.ledger.locks import hold_phones
from service.rules.lead import LeadId, PageId, RepId
from service.rules.replies import LETTER_KEPT, LETTERS

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
class Asking:
    """A question about to be opened on one rep's phone."""

    phone: str
    rep_id: RepId
    page_id: PageId


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

_OPEN = text("""
insert into question (phone, letter, lead_id, rep_id, opened_at, last_page_id)
select a.phone, a.letter, :lead_id, a.rep_id, :at, a.page_id
from jsonb_to_recordset(cast(:asked as jsonb)) as a (
  phone text, letter text, rep_id text, page_id text)
on conflict (phone, lead_id) do update set letter = excluded.letter, rep_id = excluded.rep_id,
  last_page_id = excluded.last_page_id, closed_at = null,
  opened_at = case when question.closed_at is null then question.opened_at
    else excluded.opened_at end
""")

_CLOSE = text("""
update question set closed_at = :at where lead_id = :lead_id and closed_at is null
  and (cast(:except_rep as text) is null or rep_id <> :except_rep)
  and (cast(:only_rep as text) is null or rep_id = :only_rep)
returning phone
""")

_LAST_TEXT = text("select page_id, lead_id, at from last_text where phone = :phone")

_NOTE_LAST_TEXT = text("""
insert into last_text (phone, page_id, lead_id, at) values (:phone, :page_id, :lead_id, :at)
on conflict (phone) do update set page_id = excluded.page_id, lead_id = excluded.lead_id,
  at = excluded.at where last_text.at <= excluded.at
""")


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

    Holds the phones until the transaction ends, so that no other lead is given the same letter.
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


def open_question(
    conn: Connection,
    phone: str,
    lead_id: LeadId,
    rep_id: RepId,
    page_id: PageId,
    at: datetime,
) -> str | None:
    """Open one question; see `open_questions`."""
    return open_questions(conn, lead_id, [Asking(phone, rep_id, page_id)], at)[phone]


def open_questions(
    conn: Connection, lead_id: LeadId, askings: Sequence[Asking], at: datetime
) -> dict[str, str | None]:
    """Open a question about the lead on each phone; the letter each has there.

    A question that is open keeps its letter. A letter is not given out while it is open, nor for
    30 min after it closed, except back to the lead that had it. None: every letter is taken, and
    the page must go without a question (the lead's link still works).
    """
    if not askings:
        return {}
    found = letters_for(conn, lead_id, [asking.phone for asking in askings], at)
    letters = {phone: found[phone].letter for phone in found}
    asked = [
        {
            "phone": each.phone,
            "letter": letters[each.phone],
            "rep_id": each.rep_id,
            "page_id": each.page_id,
        }
        for each in askings
        if letters[each.phone] is not None
    ]
    conn.execute(_OPEN, {"lead_id": lead_id, "at": at, "asked": json.dumps(asked)})
    return letters


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


def note_last_text(
    conn: Connection, phone: str, page_id: PageId, lead_id: LeadId | None, at: datetime
) -> None:
    """Note what was sent to the phone; an older one never replaces a newer."""
    values = {"phone": phone, "page_id": page_id, "lead_id": lead_id, "at": at}
    conn.execute(_NOTE_LAST_TEXT, values)


def _letter(taken: Iterable[tuple[str, str, bool]], lead_id: LeadId) -> str | None:
    """The lead's own letter if nobody else has it by now, else the first that is free."""
    listed = list(taken)
    others = {letter for letter, holder, _open in listed if holder != lead_id}
    own = next((letter for letter, holder, _open in listed if holder == lead_id), None)
    if own is not None and own not in others:
        return own
    return next((letter for letter in LETTERS if letter not in others), None)
