"""The wire between the carrier and us, for stories that speak on it themselves, or look at what was
said there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import httpx
from twilio.request_validator import RequestValidator

from service.config import PREFIX, kept_secret_key, load
from service.wiring import account_of
from tests.story.carrier import LISTED_MAX, Json
from tests.story.house import House
from tests.story.patience import until


def tells(house: House, path: str, **fields: str) -> httpx.Response:
    """Tell it as the carrier would, with its signature; what is answered."""
    url = f"{str(house.http.base_url).rstrip('/')}{path}"
    signed = RequestValidator(_token(house)).compute_signature(url, fields)
    return house.http.post(url, data=fields, headers={"X-Twilio-Signature": signed})


def forges(house: House, path: str, signature: str = "", **fields: str) -> httpx.Response:
    """Tell it as somebody would who does not know the carrier's secret."""
    headers = {"X-Twilio-Signature": signature} if signature else {}
    return house.http.post(path, data=fields, headers=headers)


def answered_twice(house: House, *parts: str) -> list[tuple[str, ...]]:
    """What was answered to each request that came more than once, of those with one of these words
    in their address."""
    said: dict[str, list[str]] = defaultdict(list)
    for each in _deliveries(house):
        if any(part in each["url"] for part in parts):
            said[each["token"]].append(f"{each['status']} {each['answer']}")
    return [tuple(answers) for answers in said.values() if len(answers) > 1]


def was_told(house: House, part: str, **fields: str) -> Json:
    """The fields of the latest request to an address with this word in it, and with these fields,
    within moments; we have answered it."""

    def found() -> list[Json]:
        sent = [each["params"] for each in _deliveries(house) if part in each["url"]]
        return [each for each in sent if fields.items() <= each.items()]

    return until(found, f"a request to {part}")[-1]


def _deliveries(house: House) -> Iterable[Json]:
    listed: list[Json] = house.carrier.get("deliveries", limit=LISTED_MAX)["deliveries"]
    return listed


def _token(house: House) -> str:
    """What the stand-in carrier of this house signs with."""
    secret = house.env.get(f"{PREFIX}SECRET_KEY")
    data_dir = house.home / "data"
    secret = secret or kept_secret_key(data_dir).get_secret_value()
    return account_of(load(data_dir=data_dir), secret).auth_tokens[0]
