"""Signatures: Twilio's published vectors, and what a stranger might try."""

from hashlib import sha256
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # no types

from service.phone.form import FORM_FIELDS_MAX
from service.phone.signature import SignatureCheck

TOKEN = "12345"
PATH, QUERY = b"/myapp.php", b"foo=1&bar=2"
CALL = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
DOCUMENTED = {**CALL, "From": "+14158675310", "Caller": "+14158675310"}
DOUBLES = [
    ("Sid", "CA123"),
    ("SidAccount", "AC123"),
    ("Digits", "5678"),
    ("Digits", "1234"),
    ("Digits", "1234"),
]
JSON_BODY = b'{"property": "value", "boolean": true}'
JSON_QUERY = QUERY + b"&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"


def body(fields: dict[str, str] | list[tuple[str, str]]) -> bytes:
    return urlencode(fields).encode()


@pytest.mark.parametrize(
    ("public_url", "fields", "signature"),
    [
        ("https://mycompany.com", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com", CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),  # signed with :443
        ("https://mycompany.com:443", CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("https://mycompany.com:443", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),  # ... without
        ("http://mycompany.com", CALL, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("http://mycompany.com:80", CALL, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("http://mycompany.com:1234", CALL, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        ("https://mycompany.com", DOUBLES, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        ("https://example.com", DOCUMENTED, "L/OH5YylLD5NRKLltdqwSvS0BnU="),
    ],
)
def test_twilios_own_vectors(
    public_url: str, fields: dict[str, str] | list[tuple[str, str]], signature: str
) -> None:
    assert SignatureCheck([TOKEN], public_url).valid(PATH, QUERY, signature, body(fields))


def test_a_body_that_is_no_form_is_signed_through_its_hash() -> None:
    check = SignatureCheck([TOKEN], "https://mycompany.com")
    signature = "a9nBmqA0ju/hNViExpshrM61xv4="
    assert check.valid(PATH, JSON_QUERY, signature, JSON_BODY)
    assert not check.valid(PATH, JSON_QUERY, signature, JSON_BODY + b" ")
    assert not check.valid(PATH, JSON_QUERY, signature, None)


def test_a_signature_of_another_algorithm_is_not_ours() -> None:
    """Twilio's HMAC_SHA256 vector, for accounts with shared keys."""
    check = SignatureCheck([TOKEN], "https://mycompany.com")
    sha256_signature = "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s="
    assert not check.valid(PATH, QUERY, sha256_signature, body(CALL))


def signed(url: str, fields: dict[str, str], token: str = TOKEN) -> str:
    return str(RequestValidator(token).compute_signature(url, fields))


CHECK = SignatureCheck([TOKEN], "https://sales.example.com/")
STATUS_PATH = b"/twilio/texts/page-1/status"
STATUS_URL = "https://sales.example.com/twilio/texts/page-1/status"


def test_blank_parameters_are_under_the_signature() -> None:
    fields = {"MessageSid": "SM1", "FromZip": ""}
    signature = signed(STATUS_URL, fields)
    assert CHECK.valid(STATUS_PATH, b"", signature, body(fields))
    assert not CHECK.valid(STATUS_PATH, b"", signature, b"MessageSid=SM1")


def test_a_changed_or_added_parameter_is_noticed() -> None:
    signature = signed(STATUS_URL, {"a": "1"})
    assert CHECK.valid(STATUS_PATH, b"", signature, b"a=1")
    for tampered in (b"a=2", b"a=1&b=2", b"", None):
        assert not CHECK.valid(STATUS_PATH, b"", signature, tampered)


def test_another_path_or_query_is_noticed() -> None:
    signature = signed(STATUS_URL, {"a": "1"})
    assert not CHECK.valid(b"/twilio/texts/page-2/status", b"", signature, b"a=1")
    assert not CHECK.valid(STATUS_PATH, b"x=1", signature, b"a=1")


def test_the_path_counts_as_it_was_sent() -> None:
    """Decoded, these two would be one."""
    signature = signed("https://sales.example.com/twilio/a%20b", {})
    assert CHECK.valid(b"/twilio/a%20b", b"", signature, None)
    assert not CHECK.valid(b"/twilio/a b", b"", signature, None)


def test_both_tokens_are_good_while_one_is_rotated() -> None:
    check = SignatureCheck(["new", "old"], "https://sales.example.com")
    for token in ("new", "old"):
        assert check.valid(STATUS_PATH, b"", signed(STATUS_URL, {"a": "1"}, token), b"a=1")
    stranger = signed(STATUS_URL, {"a": "1"}, "stolen")
    assert not check.valid(STATUS_PATH, b"", stranger, b"a=1")


@pytest.mark.parametrize("signature", [None, "", "nonsense", "é" * 28, "x" * 10_000])
def test_no_signature_worth_the_name(signature: str | None) -> None:
    assert not CHECK.valid(STATUS_PATH, b"", signature, b"a=1")


@pytest.mark.parametrize(
    ("path", "query", "sent"),
    [
        (b"/\xff", b"", b"a=1"),
        (STATUS_PATH, b"\xff", b"a=1"),
        (STATUS_PATH, b"", b"a=%ff"),
        (STATUS_PATH, b"", b"&".join([b"a=1"] * (FORM_FIELDS_MAX + 1))),
        (STATUS_PATH, b"bodySHA256=%C3%A9", b"a=1"),
    ],
)
def test_what_cannot_be_read_is_not_signed(path: bytes, query: bytes, sent: bytes) -> None:
    assert not CHECK.valid(path, query, signed(STATUS_URL, {"a": "1"}), sent)


def test_a_hash_of_the_body_in_the_url_does_not_free_the_rest() -> None:
    """Whoever knows one signed URL cannot put a hash of his own into it."""
    forged = b"bodySHA256=" + sha256(b"a=2").hexdigest().encode()
    assert not CHECK.valid(STATUS_PATH, forged, signed(STATUS_URL, {}), b"a=2")


@pytest.mark.parametrize(
    "public_url",
    ["", "sales.example.com", "ftp://h", "https://u:p@h", "https://[::1]:80", "https://h/?a=1"],
)
def test_a_public_url_that_nothing_can_be_signed_over(public_url: str) -> None:
    with pytest.raises(ValueError, match="public URL"):
        SignatureCheck([TOKEN], public_url)


@pytest.mark.parametrize("tokens", [[], [""], ["good", ""]])
def test_a_token_is_needed(tokens: list[str]) -> None:
    with pytest.raises(ValueError, match="token"):
        SignatureCheck(tokens, "https://h")
