"""A monitoring host reads every target, knows every alert, and shows nothing to outsiders."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.hosts.client import page_of

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables

GROUP = "monitoring_hosts"
PORTS = {"prometheus": 9090, "alertmanager": 9093}


@pytest.fixture
def address(variables: Variables) -> str:
    """Where Prometheus and Alertmanager listen."""
    bound: str = variables("monitoring")["monitoring_bind_address"]
    return bound


def ask(host: Host, url: str) -> Any:
    """Return the data of an answer of Prometheus or Alertmanager."""
    return json.loads(page_of(host, url))


def test_every_target_is_read(host: Host, address: str) -> None:
    """Those of the exporters and of the AI service; the fault of each that is not is told."""
    targets = ask(host, f"http://{address}:9090/api/v1/targets?state=active")["data"]["activeTargets"]
    assert targets
    assert {t["scrapeUrl"]: t["lastError"] for t in targets if t["health"] != "up"} == {}


def test_what_the_alerts_ask_for_is_measured(host: Host, address: str) -> None:
    """The service's own metrics have arrived under the job that the alerts know."""
    found = ask(host, f'http://{address}:9090/api/v1/query?query=alchemorsel_ai_build_info{{job="alchemorsel_ai"}}')
    assert found["data"]["result"]


def test_instances_behind_the_edge_are_counted(host: Host, address: str) -> None:
    """Those that are ready, by the edge's own exporter."""
    query = 'haproxy_backend_active_servers{job="alchemorsel_edge",proxy="api"}'
    found = ask(host, f"http://{address}:9090/api/v1/query?query={query}")
    assert found["data"]["result"]
    assert all(int(each["value"][1]) > 0 for each in found["data"]["result"])


def test_what_hosts_write_down_is_measured(host: Host, address: str) -> None:
    """The ages of secrets at least: a host that is watched has some."""
    found = ask(host, f"http://{address}:9090/api/v1/query?query=alchemorsel_secret_changed_timestamp_seconds")
    assert found["data"]["result"]


def test_alertmanager_takes_alerts(host: Host, address: str) -> None:
    """Prometheus knows it, and it is ready."""
    known = ask(host, f"http://{address}:9090/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    assert [manager["url"] for manager in known] == [f"http://{address}:9093/api/v2/alerts"]


@pytest.mark.parametrize("program", PORTS)
def test_nothing_listens_on_every_address(host: Host, program: str) -> None:
    """None of them asks who is there."""
    assert not host.socket(f"tcp://0.0.0.0:{PORTS[program]}").is_listening
    assert not host.socket(f"tcp://:::{PORTS[program]}").is_listening


def test_the_exporters_password_is_on_no_command_line(host: Host) -> None:
    """Everybody on the host may read command lines."""
    path = "/etc/alchemorsel/secrets/redis_exporter_password"
    if not host.file(path).exists:
        pytest.skip("Redis is not watched from this host")
    secret = host.file(path).content_string.strip()
    assert secret
    assert secret not in host.check_output("ps -eo args=")
    assert secret not in host.check_output("systemctl cat prometheus-redis-exporter.service")
