"""What the manuals tell to paste: units of systemd, manifests of Kubernetes, commands.

Held to our own command line and settings, as docker-compose.yml is; no systemd, no cluster.
"""

from __future__ import annotations

import re
import shlex
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.config import NAMES
from tests.golden.commands import parses

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SETTINGS = {each.env for each in NAMES} | {f"{each.env}_FILE" for each in NAMES if each.secret}

UNIT = re.compile(r"^`/etc/systemd/system/([^`]+)`[^\n]*\n\n```text\n(.*?)^```", re.M | re.S)
SHARED = re.compile(
    r"`/etc/systemd/system/(speedtolead-\.service\.d/\S+)`[^\n]*\n\n```text\n(.*?)^```", re.M | re.S
)
TEXT_BLOCK = re.compile(r"^```text\n(.*?)^```", re.M | re.S)
SH_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)
# A command as it stands in a shell: up to what the shell takes for itself.
OURS = re.compile(
    r"(?:^|[\s/])speedtolead ((?:version|check|migrate|token|lead|web|worker|sweep)\b[^|&;<>\n`]*)"
)
CONTAINER = re.compile(r"docker compose (?:exec|run) (?:-[-\w]+ )*([\w-]+)")


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


# Commands, wherever they stand


@pytest.mark.parametrize("name", ["compose.md", "systemd.md", "kubernetes.md", "runbook.md"])
def test_every_command_of_ours_is_one_that_we_have(name: str) -> None:
    for words in OURS.findall(read(name)):
        if words.strip() not in ("check", "migrate", "lead"):  # only spoken of
            parses(shlex.split(words))


# systemd


class _Unit(RawConfigParser):
    """A unit: names keep their case, and a name that is given twice adds up."""

    def __init__(self, text: str) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",))
        self.optionxform = str  # type: ignore[assignment,method-assign]  # as its manual says
        self.read_string(text)


def units() -> dict[str, _Unit]:
    return {found[1]: _Unit(found[2]) for found in UNIT.finditer(read("systemd.md"))}


def test_every_process_has_its_unit() -> None:
    asked = {
        name: unit["Service"]["ExecStart"] for name, unit in units().items() if "Service" in unit
    }
    words = {start.split("/bin/speedtolead ")[1] for start in asked.values()}
    assert words == {"web", "worker", "sweep", "migrate"}
    for each in words:
        parses([each])


def test_what_runs_for_long_is_started_again() -> None:
    for name, unit in units().items():
        if "Service" in unit:
            once = unit["Service"]["Type"] == "oneshot"
            assert once == (name == "speedtolead-migrate.service")
            assert ("Restart" in unit["Service"]) != once  # systemd refuses both together


def test_all_units_share_what_confines_them() -> None:
    found = SHARED.search(read("systemd.md"))
    assert found is not None
    shared = _Unit(found[2])["Service"]
    assert shared["EnvironmentFile"]
    assert shared["DynamicUser"] == shared["NoNewPrivileges"] == "yes"
    assert shared["ProtectSystem"] == "strict"
    # It comes after the unit, so it would overrule `migrate`, which must not be started again.
    assert "Restart" not in shared


# Kubernetes


def manifests() -> list[dict[str, Any]]:
    return [
        each
        for block in TEXT_BLOCK.findall(read("kubernetes.md"))
        for each in yaml.safe_load_all(block)
    ]


def pods() -> dict[str, dict[str, Any]]:
    """The pod of everything that has one, by name."""
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in manifests()
        if each["kind"] in ("Deployment", "Job")
    }


def container(pod: dict[str, Any]) -> dict[str, Any]:
    only: dict[str, Any]
    (only,) = pod["containers"]
    return only


every_pod = pytest.mark.parametrize("name", pods())


def test_every_process_is_deployed() -> None:
    assert [word for pod in pods().values() for word in container(pod)["args"]] == [
        "migrate",
        "web",
        "worker",
        "sweep",
    ]


@every_pod
def test_a_pod_asks_for_what_we_have(name: str) -> None:
    held = container(pods()[name])
    parses(held["args"])
    assert {each["name"] for each in held.get("env", ())} <= SETTINGS


@every_pod
def test_a_pod_is_confined(name: str) -> None:
    pod = pods()[name]
    user = re.search(r"^USER (\d+):", (ROOT / "Dockerfile").read_text(), re.M)
    assert user is not None
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == int(user[1])
    assert container(pod)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert "memory" in container(pod)["resources"]["limits"]


@every_pod
def test_no_service_slips_a_setting_into_a_pod(name: str) -> None:
    """A Service named speedtolead would be told to each pod as SPEEDTOLEAD_PORT=tcp://..."""
    assert pods()[name]["enableServiceLinks"] is False


@every_pod
def test_a_pod_is_asked_whether_it_is_well(name: str) -> None:
    held = container(pods()[name])
    role = held["args"][0]
    if role == "web":
        assert held["livenessProbe"]["httpGet"]["path"] == "/live"
        # A dead sweep must not take every front door off the network.
        assert held["readinessProbe"]["httpGet"]["path"] == "/live"
    elif role != "migrate":
        assert held["readinessProbe"]["exec"]["command"] == ["speedtolead", "alive", role]
        # Else a ledger that is away would have everybody restarted.
        assert "livenessProbe" not in held


@every_pod
def test_what_a_pod_mounts_is_a_volume_of_its(name: str) -> None:
    pod = pods()[name]
    mounted = {each["name"] for each in container(pod)["volumeMounts"]}
    assert mounted == {each["name"] for each in pod["volumes"]}
    paths = {each["mountPath"] for each in container(pod)["volumeMounts"]}
    team = [e["value"] for e in container(pod).get("env", ()) if e["name"].endswith("TEAM_FILE")]
    assert all(str(Path(each).parent) in paths for each in team)


def test_who_is_chosen_by_label_is_there() -> None:
    labels = [
        each["spec"]["template"]["metadata"]["labels"]
        for each in manifests()
        if each["kind"] == "Deployment"
    ]
    for each in manifests():
        spec = each["spec"]
        if each["kind"] in ("Deployment", "PodDisruptionBudget"):
            assert spec["selector"]["matchLabels"] in labels
        elif each["kind"] == "Service":
            assert spec["selector"] in labels


def test_a_disruption_leaves_somebody_and_may_happen() -> None:
    replicas = {
        each["metadata"]["name"]: each["spec"]["replicas"]
        for each in manifests()
        if each["kind"] == "Deployment"
    }
    for each in manifests():
        if each["kind"] == "PodDisruptionBudget":
            assert 1 <= each["spec"]["minAvailable"] < replicas[each["metadata"]["name"]]


def test_all_run_one_image() -> None:
    assert len({container(pod)["image"] for pod in pods().values()}) == 1


# Compose


@pytest.mark.parametrize("name", ["compose.md", "runbook.md"])
def test_what_is_done_in_a_container_is_done_in_one_that_there_is(name: str) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    found = CONTAINER.findall(read(name))
    assert found
    assert set(found) <= set(compose)
    blocks = "\n".join(SH_BLOCK.findall(read(name)))
    for line in re.findall(r"^docker compose (?:stop|up --detach) ?([a-z -]*)$", blocks, re.M):
        assert {word for word in line.split() if word[0] != "-"} <= set(compose)
