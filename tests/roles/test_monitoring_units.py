"""What the role monitoring refuses, writes, restarts, has read again, and leaves alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.monitoring_units import settings, target_files, unread

from tests.roles.ansible_module import ROLES
from tests.roles.templates import evaluate, role_variables

UNITS = "/etc/systemd/system"
ALL = ["prometheus", "alertmanager", "blackbox", "node", "redis", "dcgm"]


def told(expression: str, **known: Any) -> Any:
    """Evaluate one of the role's variables on a host with every component installed."""
    packages = [
        component["package"] for component in role_variables("monitoring")["__monitoring_components_catalogue"].values()
    ]
    timer = {"alchemorsel-secret-age.timer": {"enabled": True}}
    found = {"packages": dict.fromkeys(packages, "1"), "units": timer, "behind": {}}
    variables = {
        **role_variables("monitoring"),
        "monitoring_components": ALL,
        "ansible_check_mode": False,
        "__monitoring_facts": found,
        **known,
    }
    return evaluate(variables[expression], variables)


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
    assert told("__monitoring_changes", __monitoring_written=written) == {"restart": restarted, "reload": reloaded}


def test_settings_that_a_killed_play_wrote_are_taken_up() -> None:
    """Nothing is written by the next run, and what runs without them is reloaded all the same."""
    role = str(ROLES / "monitoring")
    read = told("__monitoring_read_by", role_path=role)
    assert read["prometheus-alertmanager.service"] == ["/etc/prometheus/alchemorsel-alertmanager.yml"]
    assert len(read["prometheus.service"]) > 1
    facts = {"packages": {}, "units": {}, "behind": {"prometheus.service": read["prometheus.service"][:2]}}
    changes = told("__monitoring_changes", __monitoring_facts=facts, __monitoring_written={"paths": []})
    assert changes == {"restart": [], "reload": ["prometheus.service"]}


def test_nothing_is_awaited_but_in_a_dry_run() -> None:
    """A real run has installed all by then."""
    assert told("__monitoring_expected_targets", __monitoring_facts={"packages": {}, "units": {}}) == []


def test_a_dry_run_does_not_start_what_is_not_there_yet() -> None:
    """Units of packages that are missing, and the role's own timer before its first run; the others are asked for."""
    found = {"packages": {"prometheus": "2"}, "units": {}}
    awaited = told("__monitoring_expected_targets", __monitoring_facts=found, ansible_check_mode=True)
    assert "prometheus.service" not in awaited
    assert {"prometheus-node-exporter.service", "alchemorsel-secret-age.timer"} <= set(awaited)
    assert told("__monitoring_expected_targets", ansible_check_mode=True) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"monitoring_components": ["node", "grafana"]}, "redis, dcgm, not grafana"),
        ({"monitoring_bind_address": "0.0.0.0"}, "monitoring_bind_address 0.0.0.0 would let everybody read"),
        (
            {"monitoring_components": ["prometheus"], "monitoring_pages": ["https://ai.test"]},
            "need blackbox among monitoring_components",
        ),
        ({"monitoring_receivers": [{"email_configs": []}]}, "every receiver in monitoring_receivers needs a name"),
    ],
)
def test_what_cannot_be_watched_is_refused(settings: dict[str, Any], said: str) -> None:
    """One thing at a time; a host with every component has none."""
    assert told("__monitoring_problems") == []
    (problem,) = told("__monitoring_problems", **settings)
    assert said in problem


def test_targets_with_tls_are_a_group_of_their_own() -> None:
    """In a file for each job, of a Prometheus of the site's own; probes keep their scheme."""
    jobs = {
        "node": ["10.0.0.4:9100"],
        "api": ["10.0.0.4:3010", "https://10.0.0.5:3010"],
        "prometheus": ["127.0.0.1:9090"],
    }
    probes: dict[str, dict[str, Any]] = {"page": {"targets": ["https://ai.test"]}, "tls": {"targets": []}}
    files = {each["path"]: json.loads(each["content"]) for each in target_files(jobs, ["node", "api"], probes, "/t")}
    assert files == {
        "/t/api.json": [
            {"targets": ["10.0.0.4:3010"]},
            {"targets": ["10.0.0.5:3010"], "labels": {"__scheme__": "https"}},
        ],
        "/t/node.json": [{"targets": ["10.0.0.4:9100"]}],
        "/t/page.json": [{"targets": ["https://ai.test"]}],
        "/t/tls.json": [],
    }


def test_settings_that_may_hold_passwords_are_not_shown() -> None:
    """Alertmanager's; only NVIDIA's exporter runs as another user than Prometheus."""
    components = [
        {"key": "alertmanager", "value": {"config": "/a.yml", "validate": "amtool check-config %s"}},
        {"key": "dcgm", "value": {"config": "/d.csv"}},
    ]
    assert settings(components, ["a", "d"]) == [
        {"path": "/a.yml", "secret": "a", "group": "prometheus", "mode": "0640", "validate": "amtool check-config %s"},
        {"path": "/d.csv", "content": "d"},
    ]


def test_targets_that_a_prometheus_of_the_site_does_not_read_are_named() -> None:
    """By job and address; its own jobs are its own matter."""
    files = [
        {"path": "/t/node.json", "content": json.dumps([{"targets": ["a:9100", "b:9100"]}])},
        {"path": "/t/redis.json", "content": json.dumps([{"targets": ["a:9121"]}])},
        {"path": "/t/dcgm.json", "content": "[]"},
    ]
    active = [
        {"scrapePool": pool, "discoveredLabels": {"__address__": address}, "health": health, "lastError": error}
        for pool, address, health, error in [
            ("node", "a:9100", "up", ""),
            ("node", "b:9100", "down", "connection refused"),
            ("theirs", "a:9121", "down", "refused"),
        ]
    ]
    assert unread(active, files) == [
        "node b:9100: connection refused",
        "redis a:9121: no target of this Prometheus",
    ]
