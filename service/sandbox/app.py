"""Builds the stand-in carrier: the one public entry of this room."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from service.sandbox.calls import Calls
from service.sandbox.config import CarrierConfig, Handset
from service.sandbox.control import Control
from service.sandbox.courier import Courier
from service.sandbox.doorkeeper import Doorkeeper, OwnAddress
from service.sandbox.exchange import Exchange
from service.sandbox.faults import FaultBook
from service.sandbox.gate import Gate
from service.sandbox.leads import FrontDoor
from service.sandbox.page import Page
from service.sandbox.rest import TextApi
from service.sandbox.rest_calls import CallApi
from service.sandbox.texts import Texts

__all__ = ["CarrierConfig", "Handset", "create_app"]

STATIC = Path(__file__).parent / "static"


def create_app(carrier: CarrierConfig) -> FastAPI:
    """The stand-in carrier as an ASGI application. All state is its own and dies with it."""
    exchange = Exchange(carrier)
    faults = FaultBook()
    courier = Courier(carrier, faults, exchange.errands)
    texts = Texts(exchange, faults, courier)
    calls = Calls(exchange, faults, courier)
    door = FrontDoor(carrier)
    control = Control(exchange, faults, texts, calls, courier)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await courier.open()
        await door.open()
        yield
        await exchange.errands.cancel_all()
        await courier.close()
        await door.close()

    # no generated documentation pages: they load scripts from elsewhere
    app = FastAPI(
        title="Stand-in carrier",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    gate = Gate(exchange, faults)
    app.include_router(TextApi(exchange, gate, texts).router)
    app.include_router(CallApi(exchange, gate, calls).router)
    app.include_router(control.router)
    app.include_router(Page(control, door).router)
    app.mount("/sandbox/static", StaticFiles(directory=STATIC))
    app.add_exception_handler(ClientDisconnect, _hung_up)
    app.add_middleware(Doorkeeper, loopback_only=carrier.loopback_only)
    if not carrier.own_url:
        app.add_middleware(OwnAddress, exchange=exchange)
    return app


async def _hung_up(_request: Request, _gone: Exception) -> Response:
    """Whoever asked was killed in the middle of asking, which a carrier sees every day."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)
