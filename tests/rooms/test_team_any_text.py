"""Whatever a team file holds, it parses or is refused in words: nothing else ever comes out."""

from __future__ import annotations

import contextlib

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from service.team.file import KEYS, parse_team
from service.team.problem import TeamFileError

RIGHT = {
    "team": "Small",
    "timezone": "America/New_York",
    "carrier": '{pages_from: "+15005550006"}',
    "reps": '[{id: ann, phone: "+12125550101"}]',
    "managers": '[{id: mia, phone: "+12125550109", last_resort: true}]',
}


def parses_or_says_why(text: str) -> None:
    with contextlib.suppress(TeamFileError):
        parse_team(text, "t", ())


@settings(max_examples=150, deadline=None)
@given(st.text())
@example("\ufeff")
@example("%YAML 9.9\n--- a")
@example('team: "\\ud800"')
def test_any_text_parses_or_is_refused(text: str) -> None:
    parses_or_says_why(text)


scalars = st.sampled_from(
    ["ann", "''", "~", "off", "24:00", "08:00-20:00", "mon-fri", "30s", "+12125550101", "env:K"]
) | st.from_regex(r"[ -~]{0,8}", fullmatch=True).map(lambda text: "'" + text.replace("'", "") + "'")
inner = ("id", "phone", "at", "page", "days", "from", "to", "reps", "when", "mon", "kind", "<<")
values = st.recursive(
    scalars,
    lambda child: (
        st.lists(child, max_size=3).map(lambda held: "[" + ", ".join(held) + "]")
        | st.dictionaries(st.sampled_from(inner), child, max_size=4).map(
            lambda held: "{" + ", ".join(f"{key}: {value}" for key, value in held.items()) + "}"
        )
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=6))
def test_any_value_under_any_key_parses_or_is_refused(changed: dict[str, str]) -> None:
    held = {**RIGHT, **changed}
    parses_or_says_why("\n".join(f"{key}: {value}" for key, value in held.items()))
