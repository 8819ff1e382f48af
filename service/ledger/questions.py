"""Which lead a letter means on a phone, and what we last sent there.

Letters belong to the phone. A question has its letter from when its text is ordered, and is asked
when that text is taken: nobody answers what was not sent yet. What a reply means is
`rules.replies`' business.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from service.ledger.locks import hold_phones
from service.rules.lead import LeadId, PageId, RepId
from service.rules.replies import LETTER_KEPT, LETTERS, free_letter

# The most questions a phone is ever asked at once or lately; a page beyond has no letter.
QUESTIONS_MAX = 200

# So many letters are kept for new leads. A lead that was called stays open for a week and would
# keep its letter as long: a busy rep's phone would run out of letters in two days, and none of its
# pages could be answered by text any more.
LETTERS_SPARE = 8

# When a question was opened whose text nobody has taken yet: far off, and still a date to Python.
NOT_ASKED = datetime(9999, 1, 1, tzinfo=UTC)


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
    """What we last sent a phone, and when. ``lead_id`` None: it asked for no one lead."""

    page_id: PageId
    lead_id: LeadId | None
    at: datetime


# A page that a process of the version before took is asked too, though it did not say so here.
_QUESTIONS = text("""
select q.phone, q.letter, q.lead_id, q.rep_id, least(q.opened_at, o.ordered_at) as since,
  q.closed_at, q.last_page_id
from question q left join outbox o on o.id = q.last_page_id and q.opened_at = :not_asked
  and o.taken_clock is not null
where q.phone = :phone and (q.closed_at is null or q.closed_at >= :closed_since)
  and (q.opened_at < :not_asked or o.id is not null)
order by since, q.letter limit :limit
""")

# Letters that are taken: open, or still resting; and what this lead has on these phones.
_TAKEN = text("""
select phone, letter, lead_id, closed_at is null from question
where phone = any(cast(:phones as text[]))
  and (closed_at is null or closed_at > :rested or lead_id = :lead_id)
limit :limit
""")

# The oldest questions after calls that were made, when a phone has few letters left. A question
# that somebody holds is left: whoever closes it holds its lead, and must never wait crosswise.
_RETIRE = text("""
update question q set closed_at = :at from (
  select q.phone, q.lead_id from question q join lead l on l.id = q.lead_id
  where q.phone = :phone and q.closed_at is null and q.lead_id <> :lead_id
    and l.state in ('chasing', 'following')
  order by q.opened_at limit :many for no key update of q skip locked
) old where q.phone = old.phone and q.lead_id = old.lead_id
""")

_CLOSE = text("""
update question set closed_at = :at where lead_id = :lead_id and closed_at is null
  and (cast(:except_rep as text) is null or rep_id <> :except_rep)
  and (cast(:only_rep as text) is null or rep_id = :only_rep)
returning phone
""")

_LAST_TEXT = text("select page_id, lead_id, at from last_text where phone = :phone")


def questions_of(
    conn: Connection, phone: str, closed_since: datetime | None = None
) -> list[Question]:
    """The phone's open questions that were asked, oldest first; with those closed since an
    instant, if given."""
    values = {
        "phone": phone,
        "closed_since": closed_since,
        "not_asked": NOT_ASKED,
        "limit": QUESTIONS_MAX,
    }
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
    the page must go without a question (the lead's link still works). Before it comes to that, the
    oldest questions after calls that were made are closed: their link still takes an answer.

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
    for phone in sorted(phones):
        taken = [(row[1], row[2], row[3]) for row in rows if row[0] == phone]
        others = any(is_open and holder != lead_id for _letter_, holder, is_open in taken)
        found[phone] = Letter(_letter(taken, lead_id), others)
        many = sum(is_open for _letter_, _holder, is_open in taken) - len(LETTERS) + LETTERS_SPARE
        if many > 0:
            retired = {"phone": phone, "lead_id": lead_id, "at": at, "many": many}
            conn.execute(_RETIRE, retired)
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


def _letter(taken: Iterable[tuple[str, str, bool]], lead_id: LeadId) -> str | None:
    """The lead's own letter if nobody else has it by now, else the first that is free."""
    listed = list(taken)
    others = {letter for letter, holder, _open in listed if holder != lead_id}
    own = next((letter for letter, holder, _open in listed if holder == lead_id), None)
    if own is not None and own not in others:
        return own
    return free_letter(others)
