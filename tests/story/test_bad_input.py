"""Nonsense and malice from outside: a clear refusal or a tidy text, never a stack trace."""

from pathlib import Path

import pytest

from tests.story.house import SOURCE_KEY, House
from tests.story.leads import fresh_phone
from tests.story.teams import ALWAYS_ON_DUTY, ANN

pytestmark = pytest.mark.story

GOOD = b'{"name": "Dana Fox", "phone": "+14152260000"}'

REFUSED: dict[str, tuple[bytes, dict[str, str], int]] = {
    "no key": (GOOD, {"Authorization": ""}, 401),
    "wrong key": (GOOD, {"Authorization": "Bearer nonsense"}, 401),
    "the right key, another scheme": (GOOD, {"Authorization": f"Basic {SOURCE_KEY}"}, 401),
    "not JSON by its label": (GOOD, {"Content-Type": "text/plain"}, 415),
    "broken JSON": (b'{"name": "Dana', {}, 422),
    "not UTF-8": (b'{"name": "\xff"}', {}, 422),
    "an empty body": (b"", {}, 422),
    "a list": (b"[1, 2]", {}, 422),
    "an object for a name": (b'{"full_name": {"a": {"b": 1}}, "phone": true}', {}, 422),
    "nothing of use": (b'{"colour": "blue"}', {}, 422),
    "too deep": (b'{"a":' * 200 + b"1" + b"}" * 200, {}, 422),
    "a megabyte": (b'{"name": "' + b"x" * 1_048_576 + b'"}', {}, 413),
    "a key that is no key": (GOOD, {"Idempotency-Key": "a b"}, 422),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_taken_is_refused_in_words(house: House, case: str) -> None:
    body, headers, status = REFUSED[case]
    answer = house.is_offered(body, **headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert SOURCE_KEY not in answer.text


def test_an_unknown_source_is_named_as_such(house: House) -> None:
    answer = house.is_offered(GOOD, source="nobodys")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-source")


HOSTILE = {
    "markup": "<script>alert(1)</script><b>Dana</b>",
    "lines": "Dana\r\n\r\nFrom: boss\n1 take",
    "emoji": "Dana \U0001f525\U0001f469\u200d\U0001f680 Fox",
    "ten thousand letters": "Dana " + "x" * 10_000,
    "marks that turn the text around": "Dana \u202exoF\u202c \u200f\u2066Fox\u2069",
    "another script": "\u0414\u0430\u043d\u0430 \u041b\u0438\u0441",
    "nothing visible": "\u200b\u200b\u2060",
    "a zero byte": "Dana\u0000Fox",
    "SQL": "Dana'); drop table lead; --",
    "a link and a number": "Dana https://evil.example/x call +1 900 555 0199",
    "half a surrogate pair": "Dana \ud83d",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_name_arrives_as_one_tidy_text(house: House, case: str) -> None:
    dana = house.lead(HOSTILE[case], ask=HOSTILE[case])
    text = house.ann.expects_text("LEAD", "1 take 2 pass")
    text.is_one_tidy_text()
    assert "evil.example" not in text.body
    text.replies("1").expects_text("yours", dana.phone[-4:])
    dana.is_claimed_by("ann")


@pytest.mark.parametrize("signature", ["", "bm9uc2Vuc2U="], ids=["unsigned", "wrongly signed"])
def test_a_webhook_that_the_carrier_did_not_sign_changes_nothing(
    house: House, signature: str
) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    form = {"From": ANN, "To": "+15005550006", "Body": "1", "MessageSid": "SM" + "0" * 32}
    signed = {"X-Twilio-Signature": signature} if signature else {}
    answer = house.http.post("/twilio/sms", data=form, headers=signed)
    assert answer.status_code == 403
    house.stays_silent()
    dana.is_waiting()


def test_a_text_from_a_stranger_takes_nothing(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    house.stranger(fresh_phone()).texts_itself("1")
    house.stays_silent()
    dana.is_waiting()


def test_an_event_of_a_lead_that_is_not_there(house: House) -> None:
    told = {"event": "outcome", "outcome": "booked"}
    headers = {**house.bearer, "Idempotency-Key": "k"}
    answer = house.http.post("/leads/AAAAAAAAAAAAAAAAAAAAAAAA/events", json=told, headers=headers)
    assert answer.status_code == 404


def test_a_bad_team_file_is_explained_with_its_line(house: House, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(ALWAYS_ON_DUTY.replace("page: managers", "page: mangers"))
    checked = house.runs("check", str(bad))
    line = ALWAYS_ON_DUTY[: ALWAYS_ON_DUTY.index("page: managers")].count("\n") + 1
    assert checked.returncode == 1
    assert f"bad.yaml:{line}" in checked.stderr
    assert "mangers" in checked.stderr
    assert "Traceback" not in checked.stderr
