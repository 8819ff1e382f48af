"""An upgrade while leads come in: the version before, `migrate`, both side by side, the new one.

The version before is the real one, taken out of this repository's history. One front address, one
ledger, one queue, one carrier; leads arrive steadily all the while. Each is paged once, claims by
text work before, after `migrate` and as soon as the old processes have ended, and neither version
has anything to complain of. While both run nobody claims: the old one cannot read a call.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from sqlalchemy import NullPool, create_engine, text

from service.config import PREFIX
from service.embedded import Servers
from service.ledger.engine import driver_url
from service.ledger.revision import newest
from tests.story.balancer import Balancer
from tests.story.carrier import Carrier
from tests.story.clock import HouseClock
from tests.story.conftest import fresh_home
from tests.story.diary import Diary
from tests.story.house import READY_WITHIN_S, SOURCE_KEY, House
from tests.story.leads import Lead, fresh_phone
from tests.story.patience import until
from tests.story.phones import Phone
from tests.story.processes import command, free_port
from tests.story.teams import KEY_NAME

pytestmark = pytest.mark.story

ROOT = Path(__file__).parents[2]

BEFORE = "df9d5b9a766b77eec3b8d37c367a02b9ebf904b8"
"""The version before: the last commit whose ledger is at revision 0002."""
BEFORE_AT = "0002"

A_LEAD_EVERY_S = 0.1
ONE_STAGE = 12
"""Leads that arrive at each stage before the next begins."""
REPS = {f"r{n:02d}": f"+121255502{n:02d}" for n in range(90)}
"""So many that each gets a lead every nine seconds: nobody's leads share a text."""

PROCESSES = ("web", "worker", "sweep")


def team() -> str:
    """Everybody always on duty and in turn; a second rung that no story lives to see."""
    people = "\n".join(
        f'  - {{id: {rep}, name: Rep {rep}, phone: "{phone}"}}' for rep, phone in REPS.items()
    )
    return f"""
team: Sunrise Solar
timezone: America/New_York
carrier: {{pages_from: "+15005550006", leads_from: "+15005550007"}}
hours: {{mon-sun: "00:00-24:00"}}
reps:
{people}
managers:
  - {{id: mia, name: Mia Fox, phone: "+12125550109", last_resort: true}}
shifts:
  - {{days: mon-sun, from: "00:00", to: "24:00", reps: [{", ".join(REPS)}]}}
sources:
  - {{id: website, kind: json, key: "env:{KEY_NAME}", per_minute: 6000}}
turn: round-robin
ladder:
  - {{at: 0s,  page: on-duty,  by: text}}
  - {{at: 30m, page: managers, by: text}}
"""


@dataclass
class Version:
    """One version of the software, as an operator installs, starts and stops it."""

    source: Path
    home: Path
    env: dict[str, str]
    running: dict[str, ExitStack] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir()
        self.port = free_port()
        self.door = f"http://127.0.0.1:{self.port}"
        # Safe path: not what happens to be in the directory that the tests stand in.
        self.env = self.env | {
            "PYTHONPATH": str(self.source),
            "PYTHONSAFEPATH": "1",
            f"{PREFIX}PORT": str(self.port),
        }

    def runs(self, *arguments: str) -> str:
        """One command, to its good end; what it says."""
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=READY_WITHIN_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def is_itself(self) -> None:
        """It is this source that runs, and no other that is installed beside it."""
        found = self.runs(
            "-c", "import service, workers; print(service.__path__, workers.__path__)"
        )
        assert found.count(str(self.source)) == 2, found

    def migrates(self, to: str) -> None:
        """Its `migrate`, which brings the ledger to this revision."""
        assert f"the ledger is at schema {to}\n" in self.runs("-m", "service.cli", "migrate")

    def starts(self, *names: str) -> None:
        """These processes run from now on."""
        for name in names:
            self.running[name] = ExitStack()
            self.running[name].enter_context(command(self.home, [name], self.env))

    def is_ready(self) -> bool:
        """Whether its front door says that all is well."""
        try:
            return httpx.get(f"{self.door}/ready", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def stops(self) -> None:
        """SIGTERM to all that runs, one after the other; each ends in good order."""
        for name in list(self.running):
            self.running.pop(name).close()

    def has_nothing_to_complain_of(self) -> None:
        diary = Diary(self.home / "log")
        assert diary.errors() == []


class Website:
    """Somebody asks to be contacted every tenth of a second, and is told that it is noted."""

    def __init__(self, url: str) -> None:
        self.accepted: dict[str, str] = {}
        self.refused: list[str] = []
        self._http = httpx.Client(base_url=url, timeout=READY_WITHIN_S, trust_env=False)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._stop.wait(A_LEAD_EVERY_S):
            name = f"Dana N{len(self.accepted):04d}"
            try:
                answer = self._http.post(
                    "/leads/website",
                    json={"name": name, "phone": fresh_phone()},
                    headers={"Authorization": f"Bearer {SOURCE_KEY}"},
                )
            except httpx.HTTPError as failed:
                self.refused.append(repr(failed))
                continue
            if answer.status_code == 202:
                self.accepted[answer.json()["lead_id"]] = name
            else:
                self.refused.append(f"{answer.status_code} {answer.text}")

    def goes_on(self) -> None:
        """Returns when one more stage's leads were accepted."""
        mark = len(self.accepted) + ONE_STAGE
        until(lambda: len(self.accepted) >= mark, "leads come in")

    @contextmanager
    def is_visited(self) -> Iterator[Website]:
        self._thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._thread.join()
            self._http.close()


@dataclass
class Town:
    """What both versions share, and both of them."""

    old: Version
    new: Version
    balancer: Balancer
    house: House
    database_url: str
    claims: dict[str, str] = field(default_factory=dict)

    def asks(self, question: str, **values: object) -> list[Any]:
        """Rows out of the ledger."""
        engine = create_engine(driver_url(self.database_url), poolclass=NullPool)
        with engine.connect() as conn:
            return list(conn.execute(text(question), values))

    def a_claim_works(self) -> None:
        """Whoever is paged about a lead claims it by text, and is told that it is theirs."""
        name = f"Kim C{len(self.claims):04d}"
        lead = self.house.lead(name)
        self.claims[lead.id] = name
        rep = until(partial(_paged_rep, lead), f"somebody is paged about {name}")
        phone = Phone(self.house.carrier, rep, REPS[rep])
        page = phone.expects_text(name)
        keys = re.search(r"\b(1[A-Z]?) take", page.body)
        assert keys is not None, page.body
        page.replies(keys[1])
        phone.expects_text(name, "is yours")
        lead.is_claimed_by(rep)

    def has_workers(self, number: int) -> None:
        """So many have said that they live."""
        question = "select name from beat where name like 'worker:%'"
        until(lambda: len(self.asks(question)) >= number, f"{number} workers", READY_WITHIN_S)

    def is_swept(self) -> None:
        """A sweep has given a sign of life since now."""
        ((now,),) = self.asks("select clock_timestamp()")
        question = "select 1 from beat where name = 'sweep' and at > :now"
        until(lambda: self.asks(question, now=now), "a sweep")


def _paged_rep(lead: Lead) -> str:
    return next((rep for rep, _ in lead.was_paged()), "")


@pytest.fixture
def old_source(tmp_path: Path) -> Path:
    """The version before, as it was committed."""
    archive = ["git", "-C", str(ROOT), "archive", "--format=zip", BEFORE, "service", "workers"]
    try:
        packed = subprocess.run(archive, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as absent:
        told = getattr(absent, "stderr", b"").decode(errors="replace").strip() or str(absent)
        pytest.skip(f"NOT TESTED: an upgrade from {BEFORE[:8]} needs this repository's git: {told}")
    source = tmp_path / "before"
    with ZipFile(BytesIO(packed)) as archived:
        archived.extractall(source)
    return source


@pytest.fixture
def town(old_source: Path) -> Iterator[Town]:
    """Servers, a carrier, one front address; a migrated ledger of the version before."""
    with ExitStack() as doors:
        home = doors.enter_context(fresh_home())
        servers = doors.enter_context(Servers(home / "servers", durable=False))
        assert servers.database_url is not None
        assert servers.redis_url is not None
        balancer = doors.enter_context(Balancer().at_its_place())
        (home / "team.yaml").write_text(team())
        sandbox = free_port()
        env = {k: v for k, v in os.environ.items() if not k.upper().startswith(PREFIX)} | {
            KEY_NAME: SOURCE_KEY,
            f"{PREFIX}DATABASE_URL": servers.database_url,
            f"{PREFIX}REDIS_URL": servers.redis_url,
            f"{PREFIX}DATA_DIR": str(home / "data"),
            f"{PREFIX}PUBLIC_URL": balancer.url,
            f"{PREFIX}SANDBOX_PORT": str(sandbox),
            f"{PREFIX}SECRET_KEY": secrets.token_urlsafe(32),
            f"{PREFIX}TEAM_FILE": str(home / "team.yaml"),
        }
        old, new = Version(old_source, home / "old", env), Version(ROOT, home / "new", env)
        doors.callback(_stop_what_runs, old, new)
        http = doors.enter_context(_client(balancer.url))
        desk = doors.enter_context(_client(f"http://127.0.0.1:{sandbox}"))
        clock, diary = HouseClock(home / "clock"), Diary(home / "old" / "log")
        house = House(home, clock, diary, http, Carrier(desk), old.env)
        yield Town(old, new, balancer, house, servers.database_url)


def _client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=READY_WITHIN_S, trust_env=False)


def _stop_what_runs(*versions: Version) -> None:
    for version in versions:
        version.stops()


def test_a_new_version_takes_over_while_leads_come_in(town: Town) -> None:
    old, new, balancer = town.old, town.new, town.balancer
    _begins_with_the_old_version(town)
    with Website(balancer.url).is_visited() as website:
        website.goes_on()
        town.a_claim_works()

        new.migrates(to=newest())
        town.a_claim_works()
        assert old.is_ready(), "the old version runs on the new ledger"

        new.starts(*PROCESSES)
        until(new.is_ready, "the new version is ready", READY_WITHIN_S)
        town.has_workers(2)
        balancer.opens(new.door)
        website.goes_on()
        assert old.is_ready(), "both are"

        balancer.closes(old.door)
        old.stops()
        town.is_swept()
        website.goes_on()
        town.a_claim_works()
        assert new.is_ready()
    assert website.refused == []
    town.house.is_quiet()
    assert len(town.asks(_WORKERS)) == 2, "workers of both versions had their share"
    _each_was_paged_once(town, website.accepted | town.claims)
    new.stops()
    old.has_nothing_to_complain_of()
    new.has_nothing_to_complain_of()


def _begins_with_the_old_version(town: Town) -> None:
    town.old.is_itself()
    town.new.is_itself()
    town.old.migrates(to=BEFORE_AT)
    # The carrier is nobody's version: it is there before, and stays.
    town.old.starts(*PROCESSES)
    town.new.starts("sandbox")
    town.house.token = town.old.runs("-m", "service.cli", "token", "create", "--role", "api")
    until(town.old.is_ready, "the old version is ready", READY_WITHIN_S)
    until(partial(_is_there, town.house.carrier), "the carrier is there", READY_WITHIN_S)
    town.balancer.opens(town.old.door)


def _is_there(carrier: Carrier) -> bool:
    try:
        carrier.cursor()
    except httpx.HTTPError:
        return False
    return True


def _each_was_paged_once(town: Town, accepted: dict[str, str]) -> None:
    """By the ledger: one decision and one message each. By the carrier: no text more than that,
    but for messages that were ordered once more because nobody knew of them."""
    paged = dict(
        _pairs(town, "select lead_id, count(*) from event where kind = 'paged' group by 1")
    )
    sent = dict(_pairs(town, _SENT))
    rows = dict(
        _pairs(
            town,
            "select lead_id, count(*) from outbox where rep_id is not null"
            " and kind = 'page_text' group by 1",
        )
    )
    asked = [each["body"] or "" for each in town.house.carrier.was_asked_for("LEAD")]
    for lead_id, name in accepted.items():
        assert paged.get(lead_id) == 1, f"{name}: decided {paged.get(lead_id)} times"
        assert sent.get(lead_id) == 1, f"{name}: sent {sent.get(lead_id)} times"
        assert sum(name in body for body in asked) <= rows[lead_id], f"{name}: too many texts"


_SENT = """
select lead_id, count(distinct fields->>'page_id') from event where kind = 'page_sent' group by 1"""


_WORKERS = "select distinct split_part(taken_by, ':', 2) from outbox where taken_by is not null"


def _pairs(town: Town, question: str) -> Iterator[tuple[str, int]]:
    for row in town.asks(question):
        yield row[0], row[1]
