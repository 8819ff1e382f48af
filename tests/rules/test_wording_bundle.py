"""Goal: a text about several leads is one segment, names as many as can be told apart, each with
its letter, counts the rest, and never tells how to reach any of them.
"""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.lead import Lead
from service.rules.replies import LETTERS, Take, read_reply
from service.rules.segments import GSM_ALONE, Encoding, segments
from service.rules.wording import Waiting, bundle_text

LINK = "https://leads.example.com/r/Zk3vQ9sLw2abcdef"
FAR_LINK = "https://example.com/" + "x" * 110
# However long the names are, beside a link of the usual length.
NAMED_SURELY = 2
PHONE, EMAIL = "+12125550199", "dana.fox@example.com"


def waiting(*names: str, letters: str = LETTERS) -> list[Waiting]:
    """Leads of these names; a dot for a letter is none."""
    return [
        Waiting(Lead(name=name, phone=PHONE), None if letter == "." else letter)
        for name, letter in zip(names, letters, strict=False)
    ]


@pytest.mark.parametrize(
    ("leads", "link", "expected"),
    [
        (
            waiting("Dana Quimby", "Bo Li"),
            None,
            "12:04 2 LEADS wait. A Dana Quimby, B Bo Li: 1A take 2A pass, MORE A.",
        ),
        (
            waiting("Dana Quimby", "Bo Li", "Cy Nash", letters="CXA"),
            LINK,
            "12:04 3 LEADS wait. C Dana Quimby, X Bo Li, A Cy Nash: 1C take 2C pass, MORE C."
            f" {LINK}",
        ),
        (  # cut evenly, and the rest counted
            waiting("Maximilian von Habsburg", "Bo Li", "Ann-Kathrin Oppenheimer", "Cy", "Jo Fox"),
            LINK,
            "12:04 5 LEADS wait. A Maximilian von.., B Bo Li, C Ann-Kathrin.., D Cy, E Jo Fox:"
            f" 1A take 2A pass, MORE A. {LINK}",
        ),
        (
            waiting(*(f"Lead N{number:02}" for number in range(24))),
            LINK,
            "12:04 24 LEADS wait. A Lead N00, B Lead N01, C Lead N02, D Lead N03, E Lead N04"
            " +19 more:"
            f" 1A take 2A pass, MORE A. {LINK}",
        ),
        (  # those that can be answered come first
            waiting("Dana Quimby", "Bo Li", "Cy Nash", letters=".B."),
            LINK,
            f"12:04 3 LEADS wait. B Bo Li, Dana Quimby, Cy Nash: 1B take 2B pass, MORE B. {LINK}",
        ),
        (  # no letter is left: the link is the way
            waiting("Dana Quimby", "Bo Li", letters=".."),
            LINK,
            f"12:04 2 LEADS wait. Dana Quimby, Bo Li. {LINK}",
        ),
        (  # a link that leaves room for nobody gives way
            waiting("Dana Quimby", "Bo Li"),
            FAR_LINK,
            "12:04 2 LEADS wait. A Dana Quimby, B Bo Li: 1A take 2A pass, MORE A.",
        ),
        (
            waiting("", "محمد علي", f"{EMAIL} 212-555-0199"),
            None,
            "12:04 3 LEADS wait. A Lead from an unknown place, B Lead from an unknown place,"
            " C (e-mail) (number): 1A take 2A pass, MORE A.",
        ),
    ],
)  # fmt: skip
def test_a_text_about_several(leads: list[Waiting], link: str | None, expected: str) -> None:
    assert bundle_text(clock="12:04", waiting=leads, link=link) == expected


NAMES = st.text(max_size=60) | st.sampled_from(
    ["Dana Quimby", "€^" * 40, f"Call {PHONE}", f"x {EMAIL}", "1A take 2A pass", "A" * 5_000]
)


@settings(max_examples=400, deadline=None)
@given(
    names=st.lists(NAMES, min_size=2, max_size=50),
    lettered=st.integers(0, 24),
    clock=st.sampled_from(["12:04", "Mon 09:00"]),
    link=st.sampled_from([None, LINK, FAR_LINK]),
)
def test_a_text_about_any_leads_is_one_segment_that_can_be_answered(
    names: list[str], lettered: int, clock: str, link: str | None
) -> None:
    letters = LETTERS[:lettered] + "." * len(names)
    leads = waiting(*names, letters=letters)
    text = bundle_text(clock=clock, waiting=leads, link=link)
    assert segments(text).encoding is Encoding.GSM_7
    assert segments(text).count == 1
    assert text.startswith(f"{clock} {len(names)} LEADS wait. ")
    assert (": 1A take 2A pass, MORE A." in text) == bool(lettered)
    assert "dana.fox" not in text
    assert "5550199" not in re.sub(r"\D", "", text)
    if link == LINK:
        assert text.endswith(f" {LINK}")
    for letter in LETTERS[: min(lettered, len(names), NAMED_SURELY)]:
        assert f" {letter} " in text
        assert read_reply(f"1{letter}") == Take(letter)


@given(st.integers(2, 50))
def test_whoever_is_not_named_is_counted(how_many: int) -> None:
    text = bundle_text(clock="12:04", waiting=waiting(*["Lead N"] * how_many, letters="." * 50))
    more = re.search(r" \+(\d+) more", text)
    assert text.count("Lead N") + int(more[1] if more else 0) == how_many
    assert len(text) <= GSM_ALONE
