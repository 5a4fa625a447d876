"""The rules by Prometheus' own judgement: right in form, firing where they have to and nowhere else."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.packages import ensure_program

ROOT = Path(__file__).parents[3]
RULES = ROOT / "roles" / "monitoring" / "files" / "rules"
CASES = sorted((Path(__file__).parent / "rules").glob("*.yml"))


@pytest.fixture(scope="module", autouse=True)
def _promtool() -> None:
    units = ("prometheus.service", "prometheus-node-exporter.service")
    ensure_program("promtool", "prometheus", units=units)


def promtool(*arguments: str | Path) -> None:
    """Run it; what it says is the failure's text."""
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def alerts() -> dict[str, Any]:
    """All alerts by name."""
    groups = [group for path in RULES.glob("*.yml") for group in yaml.safe_load(path.read_text())["groups"]]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def test_every_rule_is_one_to_prometheus() -> None:
    """Syntax, names, templates."""
    promtool("check", "rules", *sorted(RULES.glob("*.yml")))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_alerts_fire_where_they_have_to(case: Path, tmp_path: Path) -> None:
    """And nowhere else: expected alerts are all there are."""
    written = tmp_path / case.name
    written.write_text(case.read_text().replace("{{RULES}}", str(RULES)))
    promtool("test", "rules", written)


def test_every_alert_is_tried() -> None:
    """One that no case makes fire may never fire."""
    fired = {
        expected["alertname"]
        for case in CASES
        for test in yaml.safe_load(case.read_text())["tests"]
        for expected in test["alert_rule_test"]
        if expected.get("exp_alerts")
    }
    assert fired == set(alerts())


@pytest.mark.parametrize(("name", "rule"), alerts().items())
def test_every_alert_leads_to_a_page_of_the_runbook(name: str, rule: dict[str, Any]) -> None:
    """A heading of docs/operations.md that is there, a severity, and words."""
    headings = {
        line.removeprefix("## ").strip().lower().replace(" ", "-")
        for line in (ROOT / "docs" / "operations.md").read_text().splitlines()
        if line.startswith("## ")
    }
    assert rule["annotations"]["runbook"] in headings, name
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
