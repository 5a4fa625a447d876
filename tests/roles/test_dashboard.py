"""The Grafana dashboard beside what it refers to: metrics, runbook, variables."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "roles" / "monitoring" / "files" / "grafana" / "alchemorsel-ai.json").read_text())
GOLDEN = ROOT / "tests" / "golden" / "files" / "metrics.txt"
RUNBOOK = ROOT / "docs" / "operations.md"
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
ON_HOST = 'instance=~"$host(:.*)?"'
_SERVICE = re.compile(r"(?<!:)\balchemorsel_ai_[a-z0-9_]+")
_METRIC = re.compile(
    r"(?<!:)\b(?:(?:alchemorsel|redis|node|haproxy)_[A-Za-z0-9_]+|DCGM_[A-Z0-9_]+)\b(?!\")(\{[^}]*\})?"
)


def expressions(panel: dict[str, Any]) -> list[str]:
    """Of a panel."""
    return [target["expr"] for target in panel["targets"]]


def exported() -> set[str]:
    """Names of the service's samples, by the contract."""
    families = [line.split()[:2] for line in GOLDEN.read_text().splitlines()]
    return {name + suffix for name, kind in families for suffix in SUFFIXES[kind]}


def anchors() -> set[str]:
    """Sections of the runbook, as links name them."""
    titles = re.findall(r"^#+ (.+)$", RUNBOOK.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows_of_metrics_that_there_are(panel: dict[str, Any]) -> None:
    """The service's by the golden file; other exporters' are tried in tests/integration/monitoring."""
    assert panel["description"].endswith(".")
    asked = {name for expression in expressions(panel) for name in _SERVICE.findall(expression)}
    assert asked - exported() == set()


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_shows_the_chosen_hosts(panel: dict[str, Any]) -> None:
    """Every metric that is not recorded for all of them."""
    for expression in expressions(panel):
        for found in _METRIC.finditer(expression):
            if expression[: found.start()].count('"') % 2 == 0:
                assert ON_HOST in (found[1] or ""), found[0]


def test_links_lead_to_sections_of_the_runbook() -> None:
    """By a variable, because every site reads it somewhere else."""
    links = [*DASHBOARD["links"], *(link for panel in PANELS for link in panel.get("links", []))]
    assert len(links) > 10
    for link in links:
        address, _, anchor = link["url"].partition("#")
        assert address == "${runbook:raw}"
        assert anchor in anchors()


def test_the_variables_that_panels_use_are_there() -> None:
    """Data source, hosts, runbook."""
    variables = {each["name"] for each in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD["panels"])))
    assert used == variables == {"datasource", "host", "runbook"}


@pytest.mark.parametrize(
    "words",
    ["Error budget left", "Firing alerts", "Hit ratio over time", "Refusals", "of each task", "queue", "Loading"],
)
def test_what_operators_look_for_has_a_panel(words: str) -> None:
    """By its title."""
    assert any(words in panel["title"] for panel in PANELS)
