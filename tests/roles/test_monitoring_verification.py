"""What the role monitoring makes of Prometheus' own account of its targets and alerts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.roles.templates import evaluate, role_variables

UP = {"health": "up", "scrapeUrl": "http://10.0.0.1:3010/metrics", "labels": {"job": "ai"}, "lastError": ""}
DOWN = {**UP, "health": "down", "lastError": "connection refused"}
UNKNOWN = {**UP, "health": "unknown"}


def unread(answer: dict[str, Any]) -> list[str]:
    """Return what is wrong with the targets."""
    variables = role_variables("monitoring")
    found: list[str] = evaluate(
        variables["__monitoring_missing_targets"], {**variables, "__monitoring_targets": answer}
    )
    return found


@pytest.mark.parametrize(
    ("targets", "problems"),
    [
        ([UP], []),
        ([UP, DOWN], ["ai http://10.0.0.1:3010/metrics: connection refused"]),
        ([UNKNOWN], ["ai http://10.0.0.1:3010/metrics: not read yet"]),
        ([], ["Prometheus has no target: monitoring_targets is empty"]),
    ],
)
def test_each_target_that_is_not_read_is_named_with_the_reason(targets: list[Any], problems: list[str]) -> None:
    """All at once; a Prometheus without any target watches nothing."""
    assert unread({"status": 200, "json": {"data": {"activeTargets": targets}}}) == problems


def test_prometheus_that_does_not_answer_is_told() -> None:
    """As the module uri says it."""
    assert unread({"status": -1, "msg": "connection refused"}) == ["connection refused"]


def test_alerts_that_are_not_loaded_are_named() -> None:
    """One that is loaded is in any of the groups."""
    variables = role_variables("monitoring")
    groups = [{"rules": [{"name": "A"}]}, {"rules": [{"name": "B"}, {"name": "X"}]}]
    given = {"__monitoring_alerts": ["A", "B", "C"], "__monitoring_loaded": {"json": {"data": {"groups": groups}}}}
    assert evaluate(variables["__monitoring_unloaded"], {**variables, **given}) == ["alert not loaded: C"]
