"""The queue and the processes of a world: what may lose, double and reorder, and what may die.

A process is a desk and what it holds in memory. Killed, it forgets that and is started anew under
another name; what it had taken stands in the ledger until its lease has run out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.present import Crew, Present
from service.desk.taking import Taking
from service.ledger.engine import Ledger
from service.ledger.outbox_rows import OutboxRow
from service.phone.line import NotFound, SendOutcome
from service.rules.lead import LeadId, PageId
from tests.sim.drawn import Odds
from tests.sim.moved_time import Clocks

# A process reads the team again when its copy is older than this (`service.desk.present`).
TEAM_KEPT = timedelta(seconds=1)
# Senders of one worker.
HANDS = 2


@dataclass
class SimQueue:
    """Implements ``service.wake.Wake``. ``order`` sorts leads in a way that no id decides."""

    rng: Random
    odds: Odds
    order: Callable[[LeadId], int]
    jobs: list[LeadId] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # what became of the wakes of this step

    def __call__(self, lead_ids: Sequence[LeadId]) -> bool:
        lost = False
        for lead_id in sorted(lead_ids, key=self.order):
            if self.rng.random() < self.odds.wake_lost:
                self.said.append("wake lost")
                lost = True
                continue
            self.jobs.append(lead_id)
            if self.rng.random() < self.odds.wake_doubled:
                self.jobs.append(lead_id)
        return not lost

    def takes(self) -> LeadId:
        """Any job: a queue keeps its order, many workers do not."""
        return self.jobs.pop(self.rng.randrange(len(self.jobs)))


class PresentAt(Present):
    """The team as one process knows it, read again when that copy is a second old: by the
    world's clock, and without a thread of its own."""

    def __init__(self, ledger: Ledger, clocks: Clocks, *, mail: bool) -> None:
        super().__init__(ledger, mail=mail)
        self._from = ledger
        self._clocks = clocks
        self._seen: Crew | None = None
        self.seen_at = clocks.machine

    def crew(self) -> Crew:
        if self._seen is None:
            self._seen = Present(self._from).crew()
            self.seen_at = self._clocks.machine
        return self._seen

    def keep_up(self, conn: Connection, generation: int) -> None:
        if self.crew().generation != generation:
            self._crew = self._seen
            super().keep_up(conn, generation)
            self._seen, self.seen_at = self._crew, self._clocks.machine

    def grows_old(self, changed_at: datetime) -> None:
        """Forget a copy that is older than the newest and than a second."""
        if self.seen_at <= changed_at and self._clocks.machine - self.seen_at >= TEAM_KEPT:
            self._seen = None


@dataclass
class Hand:
    """One sender, and the message in its hand: taken, or answered by the carrier."""

    taking: Taking | None = None
    given: OutboxRow | None = None  # by a look; its taking is made when it is sent
    since: datetime | None = None  # when it came into this hand, by the machine's clock
    waited: bool = False
    tries: int = 0
    outcome: SendOutcome | NotFound | None = None
    looked_up: bool = False
    settles: int = 0

    @property
    def row(self) -> OutboxRow | None:
        return self.taking.row if self.taking else self.given

    @property
    def rows(self) -> tuple[OutboxRow, ...]:
        """All that this hand must keep the leases of."""
        return self.taking.rows if self.taking else (self.given,) if self.given else ()

    @property
    def free(self) -> bool:
        return self.row is None

    def empties(self) -> None:
        self.__init__()  # type: ignore[misc]  # a hand that holds nothing is a new hand


@dataclass
class Process:
    """A web server, a worker or a sweep."""

    name: str
    desk: Desk
    present: PresentAt
    lives: int = 1


@dataclass
class Worker(Process):
    """A process with senders. It is ``attend.Hands`` to its own looks."""

    rng: Random = field(default_factory=Random)
    clocks: Clocks | None = None
    hands: list[Hand] = field(default_factory=lambda: [Hand() for _ in range(HANDS)])
    mailer: Hand = field(default_factory=Hand)  # e-mails have a sender of their own
    reserved: int = 0

    @property
    def every_hand(self) -> list[Hand]:
        return [*self.hands, self.mailer]

    def reserve(self) -> bool:
        free = sum(hand.free for hand in self.hands)
        if free <= self.reserved or self.rng.random() < 0.3:
            return False
        self.reserved += 1
        return True

    def release(self) -> None:
        self.reserved -= 1

    def give(self, row: OutboxRow) -> None:
        self.reserved -= 1
        hand = next(each for each in self.hands if each.free)
        assert self.clocks is not None
        hand.given, hand.since = row, self.clocks.machine

    def dies(self) -> None:
        """All that it knew is gone; the next one of its kind begins."""
        self.lives += 1
        self.name = f"{self.name.split('.')[0]}.{self.lives}"
        self.hands = [Hand() for _ in range(HANDS)]
        self.mailer = Hand()
        self.reserved = 0

    def in_hand(self) -> list[PageId]:
        return [row.id for hand in self.every_hand for row in hand.rows]
