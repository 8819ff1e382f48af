"""The phones page: every handset side by side, and the "be the lead" form.

Renders what the exchange knows and turns forms into the same calls the control API makes. All of
it works without JavaScript; the script only spares the reload.
"""

from collections.abc import Awaitable, Mapping
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError

from service.sandbox.control import CallIn, Control, KeysIn, SettingsIn, TextIn
from service.sandbox.leads import FIELDS, FrontDoor, LeadView
from service.sandbox.numbers import E164
from service.sandbox.records import Phone
from service.sandbox.screens import MODES, Screen, screen_of

HERE = Path(__file__).parent
FORM_BYTES_MAX = 16 * 1024
STRANGERS_SHOWN_MAX = 6  # the page is for people; a bench's thousand numbers stay off it

# What a newcomer does not ask of an event: its bookkeeping, and what stands beside it anyway.
QUIET_FIELDS = frozenset(
    {
        *("seq", "at", "recorded_at", "event", "because", "actor", "page_id", "call_id", "re"),
        *("t0", "late_or_skewed", "has_phone", "turn_at", "audience", "leg", "message_id"),
    }
)


def pretty(number: str) -> str:
    """A number as people write it: +1 212 555 0101. Others are shown as they are."""
    if len(number) == 12 and number.startswith("+1"):
        return f"+1 {number[2:5]} {number[5:8]} {number[8:]}"
    return number


def said_of(row: Mapping[str, object]) -> str:
    """The further facts of a timeline event in one line, identifiers left out."""
    facts = [f"{k} {v}" for k, v in row.items() if k not in QUIET_FIELDS and v not in (None, "")]
    return ", ".join(facts)


class Page:
    """The HTML of the phones and the forms on it."""

    def __init__(self, control: Control, door: FrontDoor) -> None:
        self._control = control
        self._exchange = control.exchange
        self._door = door
        self._names: dict[str, str] = {}
        self._html = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._html.filters |= {"pretty": pretty, "said_of": said_of, "quoted": quote}
        self.router = APIRouter(prefix="/sandbox")
        add = self.router.add_api_route
        add("", self.show, methods=["GET"])
        add("/board", self.board, methods=["GET"])
        add("/lead", self.be_the_lead, methods=["POST"])
        add("/lead/call", self.call_as_lead, methods=["POST"])
        add("/phones/{number}/texts", self.text, methods=["POST"])
        add("/phones/{number}/mode", self.set_mode, methods=["POST"])
        add("/phones/{number}/call", self.dial, methods=["POST"])
        add("/calls/{sid}/{act}", self.act, methods=["POST"])

    # -- showing

    async def show(self, lead: str = "", trouble: str = "") -> Response:
        return await self._render("page.html", lead, trouble[:300])

    async def board(self, lead: str = "") -> Response:
        """The parts that change, for the script to patch in."""
        return await self._render("board.html", lead, "")

    async def _render(self, template: str, lead: str, trouble: str) -> Response:
        config = self._exchange.config
        cursor = self._exchange.cursor  # before the handsets, so that nothing falls between
        view = await self._view(lead)
        html = self._html.get_template(template).render(
            boot=self._exchange.boot,
            cursor=cursor,
            screens=[self._screen(phone) for phone in self._shown()],
            modes=MODES,
            team_numbers=config.team_numbers,
            callers_number=self._callers_number,
            lead_form=bool(config.lead_url),
            lead=lead,
            lead_view=view,
            trouble=trouble,
        )
        return HTMLResponse(html)

    async def _view(self, lead: str) -> LeadView | None:
        plain = lead.replace("-", "").replace("_", "")
        return await self._door.view(lead) if plain.isalnum() and len(lead) <= 64 else None

    def _shown(self) -> list[Phone]:
        phones = list(self._exchange.phones.values())
        strangers = [p for p in phones if not p.listed and p.items]
        strangers.sort(key=lambda phone: phone.items[-1].n)
        recent = {p.number for p in strangers[-STRANGERS_SHOWN_MAX:]}
        return [p for p in phones if p.listed or p.number in recent]

    def _screen(self, phone: Phone) -> Screen:
        exchange = self._exchange
        live = [call for call in self._control.calls_of(phone.number) if not call.over]
        waiting = frozenset(sid for line in exchange.lines.values() for sid in line.members)
        return screen_of(phone, live, waiting, phone.last_team_number or self._callers_number)

    @property
    def _callers_number(self) -> str:
        """The team number that callers dial: it is named after the one that pages come from."""
        numbers = self._exchange.config.team_numbers
        return numbers[-1] if numbers else ""

    # -- forms

    async def text(self, request: Request, number: str) -> Response:
        form = await _form(request)
        body = form.get("quick") or form.get("body", "")
        if not body.strip():
            return self._done(request)
        return await self._try(request, self._control.send_text(number, TextIn(body=body[:1600])))

    async def set_mode(self, request: Request, number: str) -> Response:
        form = await _form(request)
        if form.get("mode") not in MODES:
            return self._done(request, trouble="No such setting")
        asked = SettingsIn.model_validate(MODES[form["mode"]].as_settings())
        return await self._try(request, self._control.set_phone(number, asked))

    async def dial(self, request: Request, number: str) -> Response:
        form = await _form(request)
        return await self._try(request, self._control.dial(number, CallIn(to=form.get("to"))))

    async def act(self, request: Request, sid: str, act: str) -> Response:
        if act != "keys":
            return await self._try(request, self._control.act_on_call(sid, act))
        form = await _form(request)
        try:
            keys = KeysIn(digits=form.get("digits", ""))
        except ValidationError:
            return self._done(request, trouble="Keys are 0 to 9, * and #")
        return await self._try(request, self._control.press_keys(sid, keys))

    async def be_the_lead(self, request: Request) -> Response:
        form = await _form(request)
        knock = await self._door.knock({key: form.get(key, "") for key in FIELDS})
        if knock.lead_id:
            self._lead_phone(form)
        return self._done(request, lead=knock.lead_id, trouble=knock.error)

    async def call_as_lead(self, request: Request) -> Response:
        """Somebody who has not asked on any website picks up a phone of their own and calls."""
        number = self._lead_phone(await _form(request))
        if not number:
            return self._done(request, trouble="A phone to call from is like +12125550155")
        asked = CallIn(to=self._callers_number)
        return await self._try(request, self._control.dial(number, asked))

    def _lead_phone(self, form: Mapping[str, str]) -> str:
        """The phone of whoever filled in the form, from now on on the page; "" if it is none."""
        number, name = form.get("phone", "").strip(), form.get("name", "").strip()
        if not E164.match(number):
            return ""
        return self._exchange.phone(number, name[:80], "lead").number

    async def _try(self, request: Request, deed: Awaitable[object]) -> Response:
        try:
            await deed
        except HTTPException as refusal:
            return self._done(request, trouble=str(refusal.detail))
        return self._done(request)

    def _done(self, request: Request, lead: str = "", trouble: str = "") -> Response:
        """Back to the page; the script is told in JSON instead."""
        if request.headers.get("x-sandbox-script"):
            return JSONResponse({"lead": lead, "trouble": trouble})
        asked = {
            "lead": lead or request.query_params.get("lead", ""),
            "trouble": trouble,
        }
        query = urlencode({key: value for key, value in asked.items() if value})
        return RedirectResponse(f"/sandbox?{query}" if query else "/sandbox", 303)


async def _form(request: Request) -> dict[str, str]:
    """The urlencoded form, last value of each name."""
    raw = await request.body()
    if len(raw) > FORM_BYTES_MAX:
        raise HTTPException(413, "the form is too long")
    fields = parse_qs(raw.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}
