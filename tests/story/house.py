"""A house: every process of the product on this machine, and what a person there can do to it.

Spoken to over HTTP, by signals to its processes, and by its clock file; `opening` starts one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
import redis

from tests.story.carrier import LISTED_MAX, Carrier
from tests.story.clock import HouseClock
from tests.story.diary import Diary
from tests.story.leads import Lead, fresh_phone
from tests.story.patience import until
from tests.story.phones import Phone
from tests.story.processes import STOPPED_WITHIN_S, command, first_line, free_port

__all__ = ["READY_WITHIN_S", "SOURCE_KEY", "STOPPED_WITHIN_S", "House", "free_port"]

Json = dict[str, Any]

SOURCE_KEY = "a-source-key-of-the-stories"
READY_WITHIN_S = 60.0
RESTED_WITHIN_S = 2


@dataclass
class House:
    """One running house."""

    home: Path
    clock: HouseClock
    diary: Diary
    http: httpx.Client
    carrier: Carrier
    env: dict[str, str]
    token: str = ""
    phones: dict[str, Phone] = field(default_factory=dict)
    others: dict[str, Phone] = field(default_factory=dict)
    leads: list[Lead] = field(default_factory=list)
    expected_errors: list[str] = field(default_factory=list)

    # -- people

    @property
    def ann(self) -> Phone:
        return self.phones["ann"]

    @property
    def bob(self) -> Phone:
        return self.phones["bob"]

    @property
    def mia(self) -> Phone:
        return self.phones["mia"]

    def phone_of(self, lead: Lead) -> Phone:
        """The lead's own phone; what reaches it is expected, or fails the story."""
        return self._others(lead.phone, f"the lead {lead.id}")

    def somebody(self) -> Phone:
        """A phone that nobody has heard of; whoever has it may call."""
        return self._others(fresh_phone(), "somebody")

    def _others(self, number: str, name: str) -> Phone:
        if number not in self.others:
            self.others[number] = Phone(self.carrier, name, number, self.carrier.cursor())
        return self.others[number]

    def stranger(self, number: str) -> Phone:
        """Somebody who is nobody of the team's."""
        return Phone(self.carrier, "a stranger", number, self.carrier.cursor())

    # -- the front door

    @property
    def bearer(self) -> dict[str, str]:
        """The header that lets an integration in."""
        return {"Authorization": f"Bearer {self.token}"}

    def lead(self, name: str, *, phone: str = "", key: str = "", **fields: object) -> Lead:
        """Somebody asks to be contacted, through the website."""
        phone = phone or fresh_phone()
        answer = self.is_offered({"name": name, "phone": phone, **fields}, key=key)
        assert answer.status_code == 202, f"{answer.status_code} {answer.text}"
        return self.knows(answer, phone)

    def knows(self, answer: httpx.Response, phone: str = "") -> Lead:
        """The lead of a 202, which the story's end will settle."""
        lead = Lead(self, answer.json()["lead_id"], phone)
        if lead.id not in [each.id for each in self.leads]:
            self.leads.append(lead)
        return lead

    def is_offered(
        self, body: object, *, source: str = "website", key: str = "", **headers: str
    ) -> httpx.Response:
        """Knock at the front door; whatever it answers."""
        given = {"Authorization": f"Bearer {SOURCE_KEY}", **headers}
        if key:
            given["Idempotency-Key"] = key
        given.setdefault("Content-Type", "application/json")
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.post(f"/leads/{source}", content=content, headers=given)

    def lead_of(self, phone: Phone) -> Lead:
        """The lead that this phone's owner has become, within moments; the story's end settles
        it."""

        def found() -> list[Lead]:
            return [lead for lead in self.open_leads() if lead.phone == phone.number]

        return until(found, f"a lead with {phone.number}")[0]

    def open_leads(self) -> list[Lead]:
        """Every lead that somebody is still to call, the latest first."""
        held = self.asks("/leads?state=open&limit=100")["leads"]
        return [Lead(self, each["id"], each["phone"] or "") for each in held]

    def settles_everything(self) -> None:
        """No lead needs anybody any more, also none that only the house knows of."""
        for lead in self.leads:
            lead.is_settled()
        for lead in self.open_leads():
            lead.is_settled()

    def asks(self, path: str) -> Json:
        """Read something as an integration would."""
        answer = self.http.get(path, headers=self.bearer)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        held: Json = answer.json()
        return held

    def is_ready(self) -> bool:
        """Whether it says of itself that it is."""
        try:
            return self.http.get("/ready").status_code == 200
        except httpx.HTTPError:
            return False

    def is_up_again(self) -> None:
        """Within moments its front door answers, and says that it is ready."""
        until(self.is_ready, "ready again")

    # -- what its processes do, and what is done to them

    def pid(self, name: str) -> int:
        """The pid of one process: `web`, `worker-1`, `sweep`, `valkey`, `postgres` ..."""
        places = {
            "valkey": self.home / "data" / "valkey" / "valkey.pid",
            "postgres": self.home / "data" / "postgres" / "postmaster.pid",
        }
        path = places.get(name, self.home / "data" / "run" / f"{name}.pid")
        return int(until(lambda: first_line(path), f"{name} has a pid"))

    def pids(self) -> list[int]:
        """Every process that `up` looks after."""
        names = [path.stem for path in (self.home / "data" / "run").glob("*.pid")]
        return [self.pid(name) for name in (*names, "valkey", "postgres")]

    def kills(self, *names: str) -> None:
        """kill -9, all at once; returns when `up` has put others in their place."""
        before = {name: self.pid(name) for name in names}
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        for name, pid in before.items():
            until(partial(self._has_changed, name, pid), f"a new {name}")

    def _has_changed(self, name: str, pid: int) -> bool:
        return self.pid(name) != pid

    def flushes_valkey(self) -> None:
        """Every key of the queue is gone."""
        with redis.Redis.from_url(self._left("redis_url")) as valkey:
            valkey.flushall()

    def phones_have_rested(self) -> None:
        """No phone was texted about a new lead in the last five seconds, as PostgreSQL counts
        them. Nothing, while there is no ledger to ask."""
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(self._left("database_url"), connect_timeout=RESTED_WITHIN_S) as ledger,
        ):
            ledger.execute("delete from pace where kind = 'new-lead'")

    def _left(self, what: str) -> str:
        """What `up` left behind for its other commands."""
        return str(json.loads((self.home / "data" / "run" / "up.json").read_text())[what])

    @contextmanager
    def holds(self, name: str) -> Iterator[None]:
        """The process stands still for so long, and hangs whoever talks to it."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def changes_team(self, team: str) -> None:
        """The team file is edited; returns when the house goes by the new one."""
        before = len(self._teams_loaded())
        fresh = self.home / "team.fresh"
        fresh.write_text(team)
        fresh.replace(self.home / "team.yaml")
        until(lambda: len(self._teams_loaded()) > before, "the new team is loaded")

    def _teams_loaded(self) -> list[Json]:
        return [
            entry
            for entry in self.diary.entries()
            if (entry.get("event"), entry.get("outcome")) == ("team file", "loaded")
        ]

    @contextmanager
    def also_runs(self, *arguments: str) -> Iterator[None]:
        """One more process of the product, for so long."""
        with command(self.home, list(arguments), self.env):
            yield

    def expects_errors(self, *words: str) -> None:
        """Error lines with one of these words are this story's own doing."""
        self.expected_errors.extend(words)

    def runs(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command of the product, beside the running house."""
        return subprocess.run(
            [sys.executable, "-m", "service.cli", *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=READY_WITHIN_S,
            check=False,
        )

    # -- stillness

    def stays_silent(self) -> None:
        """Nothing more happens at this instant: nobody hears anything that was not expected."""
        self.is_quiet()
        for phone in self.phones.values():
            phone.hears_nothing()

    def violations(self) -> list[str]:
        """What we asked or answered that the carrier does not document."""
        noted = self.carrier.get("violations")["violations"]
        return [f"{each['where']}: {each['what']}" for each in noted]

    def is_quiet(self) -> None:
        """All that is due at this instant of the house's clock is done, and has arrived."""
        until(lambda: not self._unfinished(), "the house has nothing left to do")
        until(lambda: not self._on_its_way(), "every accepted text has arrived")

    def _unfinished(self) -> list[str]:
        """Looks that are due, and messages that nobody has settled, as the metrics tell them."""
        figures = self.http.get("/metrics").text.splitlines()
        return [
            line for line in figures if line.startswith(UNFINISHED) and not line.endswith(" 0.0")
        ]

    def _on_its_way(self) -> set[str]:
        """Texts that the carrier took for a phone that works and has not shown yet."""
        working = {
            phone["number"]
            for phone in self.carrier.get("phones")["phones"]
            if phone["settings"]["texts"] == "deliver"
        }
        taken = self.carrier.was_asked_for()
        shown = self.carrier.get("items", limit=LISTED_MAX)["items"]
        return {
            each["sid"] for each in taken if each["status"] == 201 and each["to"] in working
        } - {item["sid"] for item in shown}


UNFINISHED = (
    "speedtolead_looks_overdue",
    'speedtolead_outbox_messages{state="ordered"}',
    'speedtolead_outbox_messages{state="taken"}',
)
