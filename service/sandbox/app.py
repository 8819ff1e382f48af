"""Builds the stand-in carrier and serves it: the one public entry of this room."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from service.sandbox.calls import Calls
from service.sandbox.config import CarrierConfig, Handset
from service.sandbox.control import Control
from service.sandbox.courier import Courier
from service.sandbox.doorkeeper import Doorkeeper
from service.sandbox.exchange import Exchange
from service.sandbox.faults import DeliberateCut, FaultBook
from service.sandbox.gate import Gate
from service.sandbox.leads import FrontDoor
from service.sandbox.page import Page
from service.sandbox.rest import Api
from service.sandbox.texts import Texts

__all__ = ["CarrierConfig", "Handset", "create_app", "serve"]

STATIC = Path(__file__).parent / "static"
KEEP_ALIVE_S = 75  # a sender's idle connection must not be cut between two pages
STOP_WITHIN_S = 1  # open long-polls must not hold up the end of the process


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
    app.include_router(Api(exchange, Gate(exchange, faults), texts, calls).router)
    app.include_router(control.router)
    app.include_router(Page(control, door).router)
    app.mount("/sandbox/static", StaticFiles(directory=STATIC))
    app.add_middleware(Doorkeeper, loopback_only=carrier.loopback_only)
    return app


def serve(carrier: CarrierConfig, port: int, host: str = "127.0.0.1") -> None:
    """Serve until SIGTERM or Ctrl-C. Only loopback by default: the phones have no login."""
    logging.getLogger("uvicorn.error").addFilter(DeliberateCut())
    uvicorn.run(
        create_app(carrier),
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )
