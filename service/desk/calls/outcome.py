"""The digit by which a rep says, on the line, how a call went. The same digits as in a text.

What a word proves beside the carrier's facts is ``rules.answers``'s to say.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from service.desk.calls.once import Heard, News, once
from service.desk.calls.settling import settle_call
from service.desk.calls.told import DIGIT_WAIT_S, say_doubts
from service.desk.desk import Desk
from service.desk.record import Held, numbered, record
from service.ledger import calls
from service.ledger.calls import CallRow
from service.phone import urls, voice, voice_calls
from service.phone.call_callbacks import Keyed
from service.rules import answers, spoken
from service.rules.lead import LeadId
from service.rules.replies import ENDING_OF
from service.rules.timeline import By, Ending

# A wrong digit is asked for once more; then the text asks.
WRONG_DIGITS_MAX = 1


def hear_outcome_key(desk: Desk, key: Keyed, wrong_keys: int = 0) -> str:
    """Act on the digit; the document that ends the call, or asks once more. A replay gets the same
    one. Raises LeadBusy, LedgerUnavailable."""
    say_doubts("outcome", key.call_id, key.doubts)
    ending = ENDING_OF.get(key.digit or "")
    if ending is None:
        if wrong_keys >= WRONG_DIGITS_MAX:
            return voice_calls.hang_up()
        url = urls.outcome_key_url(desk.links.public_url, key.call_id)
        return voice_calls.ask_digit(spoken.ask_outcome(), f"{url}?wrong=1", DIGIT_WAIT_S)

    def lead_of(conn: Connection) -> LeadId | None:
        row = _of_this_rep(calls.call(conn, key.call_id), key)
        return row.lead_id if row else None

    def act(conn: Connection, held: Held, now: datetime) -> Heard:
        row = calls.call(conn, key.call_id)
        assert row is not None, "its lead was found by it"
        return _says(desk, conn, held, row, ending, now)

    document = once(desk, News(f"key:{key.dedupe_key}", "key"), lead_of, act)
    return document or voice_calls.hang_up()


def _of_this_rep(row: CallRow | None, key: Keyed) -> CallRow | None:
    """The call, if it was dialled and the key comes from the rep's leg of it."""
    return row if row is not None and row.dialled_at and row.rep_sid == key.sid else None


def _says(
    desk: Desk, conn: Connection, held: Held, row: CallRow, ending: Ending, now: datetime
) -> Heard:
    """What they say of a call is said after what the carrier proved of it, so that is written
    down first, as far as it is known."""
    known = held
    if row.settled_at is None and row.direction != "in":
        known = settle_call(desk, conn, held, row, now)
    behaves = desk.present.policy(conn, held.row.policy_version).calls
    facts = answers.outcome(
        known.standing,
        row.rep_id,
        ending,
        By.KEY,
        None,
        at=now,
        contact_after_s=behaves.contact_after_s,
    )
    because, actor = f"pressed a digit: {ending.value}", f"rep:{row.rep_id}"
    record(conn, known, numbered(known, facts, at=now, now=now, because=because, actor=actor))
    words = spoken.outcome_heard(ending) if facts else spoken.spoken_closed()
    return Heard(voice.say_and_hang_up(words), stirred=True)
