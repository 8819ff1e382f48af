"""Phone numbers as people type them, one row each."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.intake.numbers import to_e164


@pytest.mark.parametrize(
    ("raw", "region", "number"),
    [
        ("+12125550101", "US", "+12125550101"),
        ("+15005550006", "US", "+15005550006"),
        ("+15005550006", "DE", "+15005550006"),
        ("(212) 555-0101", "US", "+12125550101"),
        ("212.555.0101", "us", "+12125550101"),
        ("12125550101", "US", "+12125550101"),
        ("2125550101.0", "US", "+12125550101"),
        ("212-555-0101 x12", "US", "+12125550101"),
        ("(212)555-0101ext.5", "US", "+12125550101"),
        ("tel:+1-212-555-0101;ext=12", "US", "+12125550101"),
        ("TEL:+1-212-555-0101", "GB", "+12125550101"),
        ("tel:555-0101;phone-context=+1212", "US", "+12125550101"),
        ("p:+12125550101", "US", "+12125550101"),
        ("２１２－５５５－０１０１", "US", "+12125550101"),
        ("٢١٢٥٥٥٠١٠١", "US", "+12125550101"),
        ("\u202a+1 212\u00a0555\u20110101\u202c", "US", "+12125550101"),
        ("212\n555\t0101\u0000", "US", "+12125550101"),
        ("++12125550101", "US", "+12125550101"),
        ("+1+12125550101", "US", "+12125550101"),
        ("+112125550101", "US", "+12125550101"),
        ("2125550101 (cell)", "US", "+12125550101"),
        ("call me 212 555 0101 after 4", "US", "+12125550101"),
        ("2125550101/2125550102", "US", "+12125550101"),
        ("212-555-0101 or 212-555-0102", "US", "+12125550101"),
        ("212-555-0101, 212-555-0102", "US", "+12125550101"),
        ("555-0199 212-555-0101", "US", "+12125550101"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("800 GOT JUNK", "US", "+18004685865"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+44 (0)20 7946 0958", "US", "+442079460958"),
        ("0044 20 7946 0958", "US", "+442079460958"),
        ("00 1 212 555 0101", "GB", "+12125550101"),
        ("011 44 20 7946 0958", "US", "+442079460958"),
        ("+12125550101", "XX", "+12125550101"),
        ("2125550101", "XX", None),
        ("442079460958", "US", None),
        ("21255501011", "US", None),
        ("+4915123456789012345", "US", None),
        ("555-0101", "US", None),
        ("911", "US", None),
        ("+1", "US", None),
        ("abc 123 4567 call", "US", None),
        ("ask for Dana", "US", None),
        ("2026-03-04", "US", None),
        ("", "US", None),
        ("\u0000", "US", None),
        ("1" * 10_000, "US", None),
    ],
)
def test_a_number_as_typed(raw: str, region: str, number: str | None) -> None:
    assert to_e164(raw, region) == number


@given(st.text(max_size=300) | st.text("+0123456789 ()-x;,/#*", max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_number_or_none(raw: str) -> None:
    number = to_e164(raw, "US")
    assert number is None or (number[0] == "+" and number[1:].isdigit() and len(number) <= 16)


@given(st.integers(2_000_000_000, 9_999_999_999))
@settings(max_examples=100, deadline=None)
def test_reading_a_number_again_changes_nothing(digits: int) -> None:
    number = to_e164(str(digits), "US")
    assert number is None or to_e164(number, "GB") == number
