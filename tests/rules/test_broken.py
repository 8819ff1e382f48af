"""The tests are tested: one token of the rules is broken, and somebody must notice."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.rules import decide
from tests.rules import (
    broken,
    broken_calls,
    call_table,
    deeds,
    laws,
    test_calls,
    test_connecting,
    test_decide,
    test_ladder,
    test_owed,
    world,
)
from tests.rules.histories import BEGINNINGS, BRIDGED, PAGES, every_history
from tests.rules.laws import nobody_is_forgotten

BROKEN = broken.BROKEN | broken_calls.BROKEN

# The files that a variant is made of, each after those it reads.
ROOMS = (
    "calls",
    "lawful",
    "turning",
    "folding_ends",
    "folding_calls",
    "folding",
    "climb",
    "means",
    "ladder",
    "connecting",
    "owed",
    "wanted",
    "telling",
    "answers",
    "decide",
)
# Plain values, which tests hold in their hands: a variant keeps the sound ones.
VALUES = {"CallTold", "CameTo", "Verdict"}
# Those who look at a variant see all of it; the laws keep their own eyes, but for what is ordered.
WATCHERS = (world, deeds, test_calls, test_connecting, test_decide, test_ladder, test_owed)


def variant_of(room: str, sound: str, broken: str) -> dict[str, types.ModuleType]:
    """The rules with one token of their source replaced, loaded beside the sound ones."""
    loaded: dict[str, types.ModuleType] = {}
    for name in ROOMS:
        original = sys.modules[f"service.rules.{name}"]
        source = Path(str(original.__file__)).read_text(encoding="utf-8")
        if name == room:
            assert source.count(sound) >= 1, f"{sound!r} is no longer in {name}.py"
            source = source.replace(sound, broken)
        for other in ROOMS:
            source = source.replace(
                f"from service.rules.{other} import", f"from broken_{other} import"
            )
        module = types.ModuleType(f"broken_{name}")
        sys.modules[module.__name__] = loaded[name] = module
        exec(_compiled(name, source), module.__dict__)
        for each in list(vars(module)):
            if each in VALUES or _is_enum(getattr(module, each)):
                setattr(module, each, getattr(original, each))
    return loaded


@cache
def _compiled(name: str, source: str) -> types.CodeType:
    return compile(source, f"broken {name}.py", "exec")


def _is_enum(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Enum)


def puts_in_place(loaded: dict[str, types.ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everybody who watches see the variant."""
    monkeypatch.setattr(world, "RULES_UNDER_TEST", [loaded["decide"].decide])
    monkeypatch.setattr(laws, "wanted", loaded["wanted"])
    for watcher in WATCHERS:
        for name, value in list(vars(watcher).items()):
            room = _room_of(value)
            if room in loaded and value is not decide:
                seen = loaded[room]
                monkeypatch.setattr(
                    watcher, name, seen if isinstance(value, types.ModuleType) else _in(seen, value)
                )


def _room_of(value: Any) -> str:
    """Which file of the rules a name that a test imports comes from; empty: none."""
    if isinstance(value, types.ModuleType):
        home = value.__name__
    else:
        home = value.__module__ if isinstance(value, types.FunctionType) else ""
    prefix, _, room = home.rpartition(".")
    return room if prefix == "service.rules" else ""


def _in(module: types.ModuleType, value: Any) -> Any:
    return getattr(module, value.__name__)


# Who should notice


def everything_that_should_notice() -> Iterator[Callable[[], None]]:
    for room in (test_decide, test_ladder, test_owed, test_connecting, test_calls):
        for name, check in vars(room).items():
            if name.startswith("test_") and not hasattr(check, "pytestmark"):
                yield check
    yield every_row_of_the_table
    yield every_hour_and_place
    for each in PAGES.values():
        yield lambda each=each: every_history(each, length=2)  # type: ignore[misc]  # bound
    for start in BEGINNINGS.values():
        yield lambda start=start: every_history(BRIDGED, length=1, start=start)  # type: ignore[misc]  # bound
    for start in BEGINNINGS.values():
        yield lambda start=start: every_history(  # type: ignore[misc]  # bound
            BRIDGED, length=0, start=start, at_end=nobody_is_forgotten
        )


def every_row_of_the_table() -> None:
    for row in call_table.ROWS:
        test_calls.test_what_the_carrier_told_and_what_follows(row)
        test_calls.test_news_in_any_order_and_twice_comes_to_the_same(row)
    for said in call_table.SAID:
        test_calls.test_what_a_digit_adds_and_what_follows(said)


def every_hour_and_place() -> None:
    """The tables of other tests, as far as a variant may be seen in them alone."""
    for tested in (
        test_connecting.test_whether_a_claim_will_be_connected_hangs_on_where_the_lead_may_be,
        test_connecting.test_leads_are_dialled_from_eight_to_eight,
        test_connecting.test_nobody_is_woken_by_a_caller_unless_the_team_says_so,
        test_connecting.test_a_call_ends_the_ringing_however_it_went,
        test_connecting.test_an_owner_who_cannot_be_called_is_not_rung,
        test_owed.test_the_promise_is_kept_in_the_teams_hours,
        test_owed.test_a_time_that_can_only_be_a_slip_is_owed_as_if_unanswered,
        test_calls.test_a_verdict_is_waited_for_ten_seconds,
        test_calls.test_an_inbound_call_taken_by_key_is_attempt_and_contact_in_one,
    ):
        (mark,) = vars(tested)["pytestmark"]
        for values in mark.args[1]:
            tested(*(values if isinstance(values, tuple) else (values,)))


def somebody_notices() -> bool:
    return any(_notices(check) for check in everything_that_should_notice())


def _notices(check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:
        return True
    return False


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_variant_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    puts_in_place(variant_of(*BROKEN[name]), monkeypatch)
    assert somebody_notices(), f"nobody noticed that {name}"


def test_the_sound_rules_pass_what_catches_the_broken_ones() -> None:
    assert not somebody_notices()


def test_a_variant_that_breaks_nothing_is_not_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    puts_in_place(variant_of("decide", "from __future__", "from __future__"), monkeypatch)
    assert world.RULES_UNDER_TEST[-1] is not decide.decide
    assert not [check for check in everything_that_should_notice() if _notices(check)]
