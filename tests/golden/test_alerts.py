"""Alarms and dashboards name what exists, fire when they must, and lead somewhere.

The rules themselves are tried by `promtool`, Prometheus's own tool; where it is not installed those
tests skip and say so. Everything else here needs only the files.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DASHBOARDS = ROOT / "dashboards"
PROMETHEUS = DASHBOARDS / "prometheus"
GRAFANA = DASHBOARDS / "grafana" / "provisioning"
RUNBOOK = ROOT / "docs" / "runbook.md"

METRIC = re.compile(r"\bspeedtolead_\w+")
# What Prometheus makes of one histogram.
PARTS = re.compile(r"_(bucket|sum|count)$")
PROGRAM_WITHIN_S = 60.0
# A panel is as wide as a screen: Grafana's grid has 24 columns.
COLUMNS = 24


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def alarms() -> list[dict[str, Any]]:
    groups = read(PROMETHEUS / "alerts.yml")["groups"]
    return [rule for group in groups for rule in group["rules"]]


def names() -> list[str]:
    return [alarm["alert"] for alarm in alarms()]


@cache
def documented() -> frozenset[str]:
    """Every metric that docs/metrics.md describes, a histogram by its parts too."""
    rows = re.findall(r"^\| `(speedtolead_\w+)`", (ROOT / "docs/metrics.md").read_text(), re.M)
    return frozenset(rows)


def unknown_in(text: str) -> set[str]:
    """Metrics of ours that the text names and docs/metrics.md does not."""
    named = set(METRIC.findall(text))
    return {each for each in named if not {each, PARTS.sub("", each)} & documented()}


def runs(program: str, *words: str) -> None:
    """The program is content; a loud skip where it is not installed."""
    if shutil.which(program) is None:
        pytest.skip(f"!!! {program} IS NOT INSTALLED: THE ALARMS ARE NOT TRIED !!!")
    done = subprocess.run(
        [program, *words],
        cwd=PROMETHEUS,
        capture_output=True,
        text=True,
        timeout=PROGRAM_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# The rules, by Prometheus's own tools


def test_prometheus_takes_the_configuration() -> None:
    runs("promtool", "check", "config", "--syntax-only", "prometheus.yml")


def test_prometheus_takes_the_rules() -> None:
    runs("promtool", "check", "rules", "--lint=all", "--lint-fatal", "alerts.yml")


def test_each_alarm_fires_and_keeps_silent_where_it_must() -> None:
    runs("promtool", "test", "rules", "alerts_test.yml")


def test_alertmanager_takes_its_configuration() -> None:
    runs("amtool", "check-config", str(DASHBOARDS / "alertmanager" / "alertmanager.yml"))


# The alarms


@pytest.mark.parametrize("name", names())
def test_every_alarm_is_tried_both_ways(name: str) -> None:
    """Both by instants of ALERTS, whose text does not differ between versions of Prometheus."""
    tests = read(PROMETHEUS / "alerts_test.yml")["tests"]
    asked = f'count(ALERTS{{alertname="{name}", alertstate="firing"}})'
    expected = [
        bool(each["exp_samples"])
        for test in tests
        for each in test.get("promql_expr_test", ())
        if each["expr"] == asked
    ]
    # The one that always fires has no silence to show.
    assert set(expected) == ({True} if name == "AlarmsWork" else {True, False})


@pytest.mark.parametrize("alarm", alarms(), ids=names())
def test_every_alarm_says_how_bad_it_is_and_what_it_is(alarm: dict[str, Any]) -> None:
    assert alarm["labels"]["severity"] in ("critical", "warning", "none")
    assert "for" in alarm
    said = alarm["annotations"]
    assert set(said) == {"summary", "description", "runbook_url"}
    assert said["description"].endswith(".")
    assert not said["summary"].endswith(".")


@pytest.mark.parametrize("alarm", alarms(), ids=names())
def test_every_alarm_asks_for_what_is_exported(alarm: dict[str, Any]) -> None:
    assert unknown_in(alarm["expr"]) == set()


def test_no_two_alarms_share_a_name() -> None:
    assert len(set(names())) == len(names())


def test_every_alarm_has_its_heading_and_every_heading_its_alarm() -> None:
    chapter = RUNBOOK.read_text().partition("\n## Alarms\n")[2].partition("\n## ")[0]
    assert re.findall(r"^### (\w+)$", chapter, re.M) == names()
    for alarm in alarms():
        link = alarm["annotations"]["runbook_url"]
        assert link == f"docs/runbook.md#{alarm['alert'].lower()}"


def test_alarms_that_the_routes_name_exist() -> None:
    text = (DASHBOARDS / "alertmanager" / "alertmanager.yml").read_text()
    named = {n for found in re.findall(r'alertname=~?"([^"]+)"', text) for n in found.split("|")}
    assert named
    assert named <= set(names())


# Dashboards


def boards() -> list[Path]:
    return sorted(GRAFANA.glob("dashboards/*.json"))


def panels(board: Path) -> list[dict[str, Any]]:
    held: list[dict[str, Any]] = json.loads(board.read_text())["panels"]
    return held


def queries(board: Path) -> Iterator[str]:
    for panel in panels(board):
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (a["expr"] for a in json.loads(board.read_text())["annotations"]["list"])


@pytest.mark.parametrize("board", boards(), ids=lambda path: path.stem)
def test_every_panel_asks_for_what_is_exported(board: Path) -> None:
    asked = list(queries(board))
    assert asked
    assert unknown_in("\n".join(asked)) == set()


@pytest.mark.parametrize("board", boards(), ids=lambda path: path.stem)
def test_every_query_can_be_read(board: Path, tmp_path: Path) -> None:
    """As rules, because that is what `promtool` reads."""
    rules = [{"record": f"q:{i}", "expr": each} for i, each in enumerate(queries(board))]
    written = tmp_path / "queries.yml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    runs("promtool", "check", "rules", str(written))


@pytest.mark.parametrize("board", boards(), ids=lambda path: path.stem)
def test_every_panel_has_a_place_and_says_what_it_shows(board: Path) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels(board):
        at, title = panel["gridPos"], panel["title"]
        assert at["x"] + at["w"] <= COLUMNS, title
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert taken.setdefault((x, y), title) == title
        if panel["type"] != "row":
            assert panel["description"].endswith("."), title
            assert panel["targets"], title
    ids = [panel["id"] for panel in panels(board)]
    assert len(set(ids)) == len(ids)


def test_boards_and_sources_agree() -> None:
    sources = {each["uid"] for each in read(GRAFANA / "datasources/prometheus.yml")["datasources"]}
    assert "prometheus" in sources
    for board in boards():
        variables = json.loads(board.read_text())["templating"]["list"]
        chosen = {each["current"]["value"] for each in variables if each["type"] == "datasource"}
        assert chosen <= sources
        used = {panel["datasource"]["uid"] for panel in panels(board) if "datasource" in panel}
        assert used == {"${datasource}"}
