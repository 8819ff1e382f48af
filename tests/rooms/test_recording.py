"""Calls that are recorded: who is told so, whom nobody tells, and for how long it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest

from service.desk.calls import calling_in, voicemail
from service.desk.calls.recorded import announce
from service.ledger import recordings
from service.ledger.engine import Ledger
from service.ledger.recordings import DELETIONS_MAX, Recording
from service.phone.call_callbacks import LegStatus
from service.phone.caller_callbacks import InboundCall, RecordingTold
from service.phone.line import Accepted, NotFound, Rejected, SendOutcome, Unknown
from service.rules.calls import AnsweredBy
from service.rules.lead import CallId
from tests.rooms.bridge_world import BEEP, HUMAN, UNKNOWN, Bridge, rung
from tests.rooms.callers_world import TEAM_WITH_LINE, Phones, ToldLine, new_sid, said, verbs
from tests.rooms.test_call_through import Colleague, lead_of
from workers.sweep import Sweep

RECORDING = TEAM_WITH_LINE + "calls: {record: true, record_days: 7d}\n"
ANNOUNCEMENT = "This call is recorded."
WEEK = timedelta(days=7)


@pytest.fixture
def world(fresh_ledger: Ledger) -> Phones:
    return Phones(fresh_ledger, team=RECORDING)


@dataclass
class Recorded(Bridge):
    """A call that connects, whose lead hears something before they are connected."""

    hears: list[str] = field(default_factory=list)

    def announced(self, rounds: int = 0) -> str:
        leg = LegStatus(self.id, self.lead_sid, self.rep_sid, "in-progress")
        return announce(self.world.desk, leg, rounds)

    def recording(self, seconds: float = 60, *, sid: str | None = None) -> str:
        """The carrier tells of what it recorded of the two; its sid."""
        sid = sid or new_sid("RE")
        told = RecordingTold(self.id, sid, "completed", seconds, "DialVerb", self.rep_sid)
        voicemail.hear_recording(self.world.desk, told)
        return sid

    def kept(self) -> list[Recording]:
        with self.world.ledger.transaction() as conn:
            return recordings.of_call(conn, self.id)

    @property
    def keeps_for(self) -> timedelta:
        (kept,) = self.kept()
        assert kept.delete_at is not None
        return kept.delete_at - kept.at


@pytest.fixture
def call(world: Phones) -> Recorded:
    """Ann has pressed 1, and Dana is dialled."""
    made = rung(world)
    recorded = Recorded(world, made.lead, made.ring, made.rep_sid, made.lead_sid)
    recorded.hears = [made.whispers(), made.presses("1")]
    return recorded


@dataclass
class Asked(ToldLine):
    """A carrier that counts how often it is asked for recordings."""

    asked: int = 0

    def recordings_of(
        self, call_id: CallId, call_sid: str
    ) -> tuple[RecordingTold, ...] | NotFound | Unknown:
        self.asked += 1
        return self.recorded


def attributes(document: str, verb: str) -> dict[str, str]:
    found = next(ElementTree.fromstring(document).iter(verb))
    return dict(found.attrib)


def test_nothing_is_recorded_and_nobody_told_unless_the_team_says_so(fresh_ledger: Ledger) -> None:
    world = Phones(fresh_ledger)
    made = rung(world)
    whispered, dialled = made.whispers(), made.presses("1")
    assert "recorded" not in whispered
    assert "record" not in dialled
    assert "url" not in attributes(dialled, "Number")
    made.rep_leg("completed")
    world.clock.moves(60)
    caller = world.is_called("+12125550177")
    leg = caller.rings()["ann"]
    for document in (caller.document, leg.picks_up(), leg.presses("1")):
        assert "record" not in document


def test_both_sides_are_told_before_they_hear_each_other(world: Phones, call: Recorded) -> None:
    whispered, dialled = call.hears
    assert ANNOUNCEMENT in whispered
    assert attributes(dialled, "Dial")["record"] == "record-from-answer-dual"
    assert call.id in attributes(dialled, "Dial")["recordingStatusCallback"]
    assert call.id in attributes(dialled, "Number")["url"]
    call.verdict(HUMAN, 2.0)
    first = call.announced()
    assert (verbs(first), said(first)) == (["Say"], ANNOUNCEMENT)
    assert call.announced() == call.announced(1) == first  # asked twice
    world.clock.moves(60)
    call.leg("completed", 50)
    call.done(bridged_s=50)
    call.recording(50)
    assert call.keeps_for == WEEK
    (kept,) = call.kept()
    assert (kept.kind, kept.seconds, kept.lead_id) == ("call", 50, call.lead.lead_id)


@pytest.mark.parametrize("rounds", [0, 1, 2])
@pytest.mark.parametrize("by", [AnsweredBy.MACHINE, BEEP, AnsweredBy.MESSAGE_END, AnsweredBy.FAX])
def test_a_machine_is_told_nothing_and_bridged_at_once(
    call: Recorded, by: AnsweredBy, rounds: int
) -> None:
    call.verdict(by)
    assert verbs(call.announced(rounds)) == []
    assert call.announced(rounds) == call.announced(rounds)


def test_who_is_not_known_yet_is_held_for_a_moment_and_no_longer(call: Recorded) -> None:
    held = call.announced()
    assert verbs(held) == ["Say", "Pause", "Redirect"]
    assert said(held) == "One moment please, this is Sunrise Solar."
    rounds = 0
    while "Redirect" in verbs(held):
        assert held == call.announced(rounds)  # asked twice
        again = ElementTree.fromstring(held).findtext("Redirect") or ""
        rounds = int(parse_qs(urlsplit(again).query)["round"][0])
        held = call.announced(rounds)
    assert rounds == 2
    assert verbs(held) == []  # a long greeting is most likely a machine's


def test_a_verdict_in_the_last_moment_is_heard(call: Recorded) -> None:
    assert "Redirect" in verbs(call.announced(1))
    call.verdict(UNKNOWN)
    assert said(call.announced(2)) == ANNOUNCEMENT  # nobody who may be human goes untold


def test_an_announcement_is_for_the_leg_that_we_dialled(world: Phones, call: Recorded) -> None:
    call.leg("in-progress")
    call.verdict(HUMAN)
    other = LegStatus(call.id, new_sid("CA"), call.rep_sid, "in-progress")
    nobodys = LegStatus(CallId("nobody-knows-this-call-of-mine"), call.lead_sid)
    for leg in (other, nobodys):
        assert verbs(announce(world.desk, leg)) == ["Hangup"]
    assert call.row.stage is None


@pytest.mark.parametrize("verdict_first", [True, False])
def test_what_a_machine_said_is_deleted_as_soon_as_both_are_known(
    world: Phones, call: Recorded, verdict_first: bool
) -> None:
    tells: list[Callable[[], object]] = [lambda: call.verdict(BEEP, 12.0), call.recording]
    for tell in tells if verdict_first else reversed(tells):
        tell()
    line = ToldLine()
    assert voicemail.delete_due(world.desk, line) == 1
    assert line.deleted == [call.kept()[0].sid]


def test_a_machine_that_was_taken_for_unknown_is_deleted_after_all(
    world: Phones, call: Recorded
) -> None:
    call.verdict(UNKNOWN)
    call.announced()
    world.clock.moves(60)
    call.leg("completed", 50)
    call.done(bridged_s=50)
    assert call.row.settled_at is not None
    call.recording(50)
    assert call.keeps_for == WEEK
    call.verdict(BEEP)  # later than it was waited for
    assert voicemail.delete_due(world.desk, ToldLine()) == 1


def test_what_was_not_announced_is_not_kept(world: Phones, call: Recorded) -> None:
    """A human after all, of whom nobody knew in time."""
    call.announced(2)
    call.verdict(HUMAN, 9.0)
    call.recording()
    assert call.keeps_for == timedelta(0)
    assert voicemail.delete_due(world.desk, ToldLine()) == 1


def test_a_recording_is_kept_once_and_only_of_its_own_call(world: Phones, call: Recorded) -> None:
    call.verdict(HUMAN)
    call.announced()
    sid = call.recording()
    world.clock.moves(5)
    call.recording(sid=sid)
    strange = RecordingTold(call.id, new_sid("RE"), "completed", 9, "DialVerb", new_sid("CA"))
    absent = RecordingTold(call.id, new_sid("RE"), "absent", None, "DialVerb", call.rep_sid)
    for told in (strange, absent):
        voicemail.hear_recording(world.desk, told)
    assert [each.sid for each in call.kept()] == [sid]
    assert world.facts(call.lead, "voicemail_received") == []


def test_who_takes_a_lead_on_a_call_that_whispered_nothing_is_told_before_it_rings(
    world: Phones,
) -> None:
    lead_of(world, "Dana Fox")
    dialled = Colleague(world).presses("1")
    assert verbs(dialled) == ["Say", "Dial"]
    assert said(dialled) == ANNOUNCEMENT
    page = world.asks("Eve Hill")
    world.pages(page)
    world.clock.moves(45)
    (voice_page,) = world.pages(page)
    assert world.presses(voice_page, "1") == ANNOUNCEMENT


def test_a_caller_is_told_before_they_wait_and_the_rep_in_the_whisper(world: Phones) -> None:
    caller = world.is_called()
    assert ANNOUNCEMENT in said(caller.document)
    assert verbs(caller.document) == ["Say", "Enqueue"]
    leg = caller.rings()["ann"]
    assert ANNOUNCEMENT in leg.picks_up()
    dialled = leg.presses("1")
    assert attributes(dialled, "Dial")["record"] == "record-from-answer-dual"
    caller.recording(60, source="DialVerb", call_sid=leg.sid)
    (kept,) = caller.recordings()
    assert kept.delete_at == kept.at + WEEK


def test_a_caller_at_night_is_asked_for_a_message_and_told_nothing_of_a_recording(
    fresh_ledger: Ledger,
) -> None:
    night = RECORDING.replace('{mon-sun: "00:00-24:00"}', '{mon-sun: "22:00-23:00"}')
    world = Phones(fresh_ledger, team=night)
    told = InboundCall(new_sid("CA"), "+12125550177", "+15005550007", "ringing")
    assert "recorded" not in said(calling_in.answer(world.desk, told))


# What nobody told of


def test_a_recording_that_nobody_told_of_is_found(world: Phones, call: Recorded) -> None:
    call.verdict(HUMAN)
    call.announced()
    world.clock.moves(60)
    call.leg("completed", 50)
    call.done(bridged_s=50)
    found = RecordingTold(call.id, new_sid("RE"), "completed", 50, "DialVerb", call.rep_sid)
    line = Asked(recorded=Unknown("timeout"))
    sweep = Sweep(world.desk, line, "http://127.0.0.1:8000")
    sweep.find_recordings()
    assert line.asked == 0  # it may still be told
    world.clock.moves(120)
    sweep.find_recordings()
    line.recorded = (found,)
    sweep.find_recordings()
    sweep.find_recordings()
    assert line.asked == 2
    assert [each.sid for each in call.kept()] == [found.recording_sid]
    assert call.keeps_for == WEEK


def test_calls_without_a_recording_are_asked_about_once(world: Phones, call: Recorded) -> None:
    call.leg("busy")
    world.clock.moves(120)
    line = Asked()
    sweep = Sweep(world.desk, line, "http://127.0.0.1:8000")
    sweep.find_recordings()
    sweep.find_recordings()
    assert line.asked == 1


def test_nobody_is_asked_where_nothing_is_recorded(fresh_ledger: Ledger) -> None:
    world = Phones(fresh_ledger)
    made = rung(world)
    made.presses("1")
    made.leg("busy")
    world.clock.moves(120)
    line = Asked()
    Sweep(world.desk, line, "http://127.0.0.1:8000").find_recordings()
    assert line.asked == 0


# The sweep deletes


def kept_for_a_week(world: Phones, count: int) -> list[str]:
    """So many recordings of one call; the longest due first."""
    made = rung(world)
    call = Recorded(world, made.lead, made.ring, made.rep_sid, made.lead_sid)
    call.presses("1")
    call.verdict(HUMAN)
    call.announced()
    sids = []
    for _ in range(count):
        sids.append(call.recording())
        world.clock.moves(1)
    return sids


def swept(world: Phones, line: ToldLine) -> None:
    Sweep(world.desk, line, "http://127.0.0.1:8000").delete_recordings()


def test_the_sweep_deletes_what_is_due_a_helping_at_a_time(world: Phones) -> None:
    sids = kept_for_a_week(world, DELETIONS_MAX + 1)
    line = ToldLine()
    swept(world, line)
    assert line.deleted == []
    world.clock.moves(WEEK.total_seconds())
    swept(world, line)
    assert line.deleted == sids[:DELETIONS_MAX]
    swept(world, line)
    swept(world, line)
    assert line.deleted == sids


@dataclass
class Answering(ToldLine):
    """A carrier with an answer for each recording that it is asked to delete; else it is gone."""

    answers: dict[str, SendOutcome | NotFound] = field(default_factory=dict)

    def delete_recording(self, recording_sid: str) -> SendOutcome | NotFound:
        self.deleted.append(recording_sid)
        return self.answers.get(recording_sid, Accepted(recording_sid, "deleted"))


def test_a_carrier_that_does_not_answer_is_left_alone_and_asked_again(world: Phones) -> None:
    sids = kept_for_a_week(world, 5)
    world.clock.moves(WEEK.total_seconds())
    line = Answering(answers=dict.fromkeys(sids[:4], Unknown("timeout")))
    swept(world, line)
    assert line.deleted == sids[:3]
    line.answers = {sids[0]: NotFound()}
    swept(world, line)
    assert line.deleted == [*sids[:3], *sids]
    assert voicemail.delete_due(world.desk, line) == 0


def test_what_the_carrier_refuses_to_delete_keeps_no_other_from_its_turn(world: Phones) -> None:
    sids = kept_for_a_week(world, 2)
    world.clock.moves(WEEK.total_seconds())
    refused = Rejected(20003, "other", ends_channel=False, blame="config")
    line = Answering(answers={sids[0]: refused})
    swept(world, line)
    swept(world, line)
    assert line.deleted == sids
    world.clock.moves(voicemail.REFUSED_AGAIN.total_seconds())
    line.answers = {}
    swept(world, line)
    assert line.deleted == [*sids, sids[0]]


def test_a_turn_ends_when_the_sweep_is_told_to_stop(world: Phones) -> None:
    sids = kept_for_a_week(world, 1)
    world.clock.moves(WEEK.total_seconds())
    line = ToldLine()
    stopping = Sweep(world.desk, line, "http://127.0.0.1:8000")
    stopping.stop.set()
    stopping.delete_recordings()
    assert line.deleted == []
    swept(world, line)
    assert line.deleted == sids
