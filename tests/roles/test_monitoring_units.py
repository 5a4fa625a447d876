"""Which units the role monitoring restarts, which it has read their settings again, and which it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.roles.templates import evaluate, role_variables

UNITS = "/etc/systemd/system"
ALL = ["prometheus", "alertmanager", "blackbox", "node", "redis", "dcgm"]


def told(expression: str, **known: Any) -> list[str]:
    """What the role makes of one of its variables on a host with every component, where all is installed."""
    packages = [component["package"] for component in role_variables("monitoring")["__monitoring_known"].values()]
    found = {"packages": dict.fromkeys(packages, "1"), "units": {"alchemorsel-secret-age.timer": {"enabled": True}}}
    variables = {
        **role_variables("monitoring"),
        "monitoring_components": ALL,
        "ansible_check_mode": False,
        "__monitoring_found": found,
        **known,
    }
    names: list[str] = evaluate(variables[expression], variables)
    return names


@pytest.mark.parametrize(
    ("path", "restarted", "reloaded"),
    [
        ("/etc/prometheus/alchemorsel.yml", [], ["prometheus.service"]),
        ("/etc/prometheus/alchemorsel-rules/hosts.yml", [], ["prometheus.service"]),
        ("/etc/prometheus/alchemorsel-alertmanager.yml", [], ["prometheus-alertmanager.service"]),
        ("/etc/prometheus/alchemorsel-blackbox.yml", [], ["prometheus-blackbox-exporter.service"]),
        ("/etc/dcgm-exporter/alchemorsel.csv", ["nvidia-dcgm-exporter.service"], []),
        (f"{UNITS}/prometheus.service.d/alchemorsel.conf", ["prometheus.service"], []),
        (f"{UNITS}/prometheus-node-exporter.service.d/alchemorsel.conf", ["prometheus-node-exporter.service"], []),
        (f"{UNITS}/prometheus.service.d", [], []),
        (f"{UNITS}/alchemorsel-secret-age.service", ["alchemorsel-secret-age.timer"], []),
    ],
)
def test_a_change_is_taken_up_by_its_unit_only(path: str, restarted: list[str], reloaded: list[str]) -> None:
    """What can read its settings while it runs is not restarted: it would lose what it has not written yet."""
    written = {"paths": [path]}
    assert told("__monitoring_to_restart", __monitoring_written=written) == restarted
    assert told("__monitoring_to_reload", __monitoring_written=written) == reloaded


def test_nothing_is_awaited_but_in_a_dry_run() -> None:
    """A real run has installed all by then."""
    assert told("__monitoring_awaited", __monitoring_found={"packages": {}, "units": {}}) == []


def test_a_dry_run_does_not_start_what_is_not_there_yet() -> None:
    """Units of packages that are missing, and the role's own timer before its first run; the others are asked for."""
    found = {"packages": {"prometheus": "2"}, "units": {}}
    awaited = told("__monitoring_awaited", __monitoring_found=found, ansible_check_mode=True)
    assert "prometheus.service" not in awaited
    assert {"prometheus-node-exporter.service", "alchemorsel-secret-age.timer"} <= set(awaited)
    assert told("__monitoring_awaited", ansible_check_mode=True) == []
