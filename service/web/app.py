"""Puts the front door together: every address of `web`, every refusal a problem document.

leads         leads as JSON, in and out        doors    each source's key and limit
forms         leads as a page's form, in       form_*   its body, its site, its answers
facts         facts from outside               access   bearer tokens and their roles
twilio_hooks  texts, receipts, keys on a page  limits   how much, how slowly, how often
call_hooks    calls that connect rep and lead  signed   what Twilio signed, and nothing else
caller_hooks  calls of leads and colleagues    voicemails  what leads said, played
health        /live and /ready                 problems every refusal
metrics       /metrics, read from the ledger   series   every metric's name and meaning
front_page    /                                views    leads as JSON
reps          /reps, who can be reached
rep_page      /r/{token}, a rep's link         rep_words  its words
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from redis.exceptions import RedisError
from starlette.concurrency import run_in_threadpool

from service.errors import Fault
from service.intake.json_source import arrival_from_json
from service.web import problems
from service.web.access import Access
from service.web.call_hooks import CallHooks
from service.web.caller_hooks import CallerHooks
from service.web.documented import complete
from service.web.doors import Doors
from service.web.facts import FactDoor
from service.web.form_pages import FormPages
from service.web.forms import FormDoor
from service.web.front_page import FrontPage
from service.web.headers import SafeHeaders
from service.web.health import Health
from service.web.leads import LeadDoor
from service.web.metrics import MetricsDoor
from service.web.rep_page import RepPage
from service.web.reps import RepsDoor
from service.web.twilio_hooks import TwilioHooks
from service.web.version import VERSION
from service.web.voicemails import Voicemails
from service.wiring import House

STATIC = Path(__file__).parent / "static"

A_LEAD = b'{"name": "Nobody", "phone": "+12125550123", "ask": "To be ready"}'
"""Read at the start and thrown away."""

THREADS = 16
"""Requests at work at once; more wait their turn. Fewer than the connections to the ledger that a
front door is given (20), so that nobody is refused for want of one; more would only take turns at
the processor, and in a storm each would be later."""

log = structlog.get_logger("web")


def create_app(house: House) -> FastAPI:
    """The front door as an ASGI application. The house stays the caller's, who closes it.

    Nothing is connected here. Raises ConfigError for a public URL that webhooks cannot be signed
    for.
    """
    doors = Doors(house.desk.present, house.redis)
    access = Access(house.ledger)
    form_pages = FormPages()
    rep_page = RepPage(house)
    voicemails = Voicemails(house)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = THREADS
        await run_in_threadpool(_warm, house, doors)
        yield
        await run_in_threadpool(doors.close)
        await run_in_threadpool(rep_page.close)
        await run_in_threadpool(voicemails.close)

    app = FastAPI(
        title="Speed to lead",
        summary="Hand in leads, read them back, tell what became of them.",
        version=VERSION,
        lifespan=lifespan,
        redirect_slashes=False,  # a redirected webhook comes back as a GET without its body
        redoc_url=None,
    )
    problems.install(
        app, lambda asked, answer: rep_page.dress(asked, form_pages.dress(asked, answer))
    )
    for part in (
        LeadDoor(house, doors, access),
        FormDoor(house, doors, form_pages),
        FactDoor(house, doors, access),
        TwilioHooks(house, doors),
        CallHooks(house),
        CallerHooks(house),
        Health(house),
        MetricsDoor(house, access),
        FrontPage(house.settings),
        RepsDoor(house, access),
        rep_page,
        voicemails,
    ):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_middleware(SafeHeaders)
    complete(app)
    return app


def _warm(house: House, doors: Doors) -> None:
    """Connect, read the team and load the tables of phone numbers now, so that the first lead
    does not wait for any of it.

    What is not there yet is met again with the first request.
    """
    try:
        region = doors.region()
        arrival_from_json(A_LEAD, region)
        house.redis.ping()
    except (Fault, RedisError, OSError) as absent:
        log.warning("start", outcome="not warm", because=type(absent).__name__)
