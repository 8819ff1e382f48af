"""A ledger that fails as real ones do: between two statements, or when a commit's answer is lost.

The failures are the driver's own exceptions at the driver's own place, so that the product's code
meets them as it would meet a server that went away. ``Died`` is the end of a process: it is no
``Exception``, so that nothing in the product can survive it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg
from psycopg import errors as pg
from sqlalchemy import Connection, exc
from sqlalchemy import event as listeners

from service.errors import LedgerUnavailable
from service.ledger.engine import Ledger


class Died(BaseException):
    """The process was killed at this very instruction."""


class How(StrEnum):
    BREAKS = "the connection breaks"
    BUSY = "the lock is not to be had"
    DIES = "the process dies"
    ANSWER_LOST = "the commit's answer is lost"
    DIES_COMMITTED = "the process dies after its commit"


AT_COMMIT = (How.ANSWER_LOST, How.DIES_COMMITTED)


@dataclass
class Trouble:
    """What will happen at the ``nth`` statement, or commit, of the present step."""

    how: How | None = None
    nth: int = 0
    statements: int = 0
    commits: int = 0
    struck_by: How | None = None

    def arm(self, how: How, nth: int) -> None:
        self.how, self.nth = how, nth

    def calm(self) -> None:
        """Nothing goes wrong from here on, until armed again."""
        self.how = self.struck_by = None
        self.statements = self.commits = 0

    def at_statement(self) -> None:
        self.statements += 1
        if self.how is None or self.how in AT_COMMIT or self.statements != self.nth:
            return
        self.struck_by = self.how
        if self.how is How.DIES:
            raise Died
        gone: psycopg.Error = psycopg.OperationalError("the connection is lost")
        if self.how is How.BUSY:
            gone = pg.LockNotAvailable("canceling statement due to lock timeout")
        raise exc.OperationalError(None, None, gone)

    def at_commit(self) -> None:
        self.commits += 1
        if self.how not in AT_COMMIT or self.commits != self.nth:
            return
        self.struck_by = self.how
        if self.how is How.DIES_COMMITTED:
            raise Died
        raise LedgerUnavailable("the connection is lost")


class FrailLedger(Ledger):
    """A real ledger under ``trouble``."""

    def __init__(self, url: str) -> None:
        super().__init__(url, pool_size=4, application_name="sim", lock_timeout_ms=2_000)
        self.trouble = Trouble()
        self._watching = self._engine.execution_options(isolation_level="AUTOCOMMIT").connect()
        listeners.listen(self._engine, "before_cursor_execute", self._before)

    def watches(self, question: Any, values: dict[str, Any]) -> Any:
        """Ask something for the world itself: on a connection apart, and nothing goes wrong."""
        trouble, self.trouble = self.trouble, Trouble()
        try:
            return self._watching.execute(question, values).one()
        finally:
            self.trouble = trouble

    def dispose(self) -> None:
        self._watching.close()
        super().dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as conn:
            yield conn
        self.trouble.at_commit()

    def _before(self, *_args: Any) -> None:
        self.trouble.at_statement()
