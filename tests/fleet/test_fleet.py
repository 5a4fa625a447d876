"""Hosts that are lost under load of callers who ask through the balancer (molecule/fleet, on throw-away hosts only)."""

from __future__ import annotations

import ssl
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import testinfra

from lab import hosts as lab_hosts
from lab.engine import ensure
from tests.integration.service.load import Load
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from testinfra.host import Host

BALANCER = "fleet-d"
SERVICE = ("fleet-a", "fleet-b")
REDIS = ("fleet-a", "fleet-b", "fleet-c")
PATH = "/api/v1/ai/suggest-ingredients"
QUESTIONS = [{"partial": [word]} for word in ("pear", "leek", "oats", "rice")]
PROGRAM = "/usr/local/sbin/alchemorsel-redis"
ENOUGH = 500
BACK_S = 300
LOST_S = 120


@pytest.fixture
def host_of(request: pytest.FixtureRequest) -> Callable[[str], Host]:
    """Give a function that reaches a host of the scenario."""
    inventory = request.config.getoption("ansible_inventory")
    return lambda name: testinfra.get_host(f"ansible://{name}", ansible_inventory=inventory)


@pytest.fixture
def caller(host_of: Callable[[str], Host]) -> Callable[[], httpx.Client]:
    """Make clients of the balancer, who trust the site's authority."""
    balancer = host_of(BALANCER)
    variables: Any = balancer.ansible.get_variables()
    trust = ssl.create_default_context(cadata=balancer.file("/etc/alchemorsel/tls/ca.pem").content_string)
    key = variables["vault_ai_service_verify_key"]
    return lambda: httpx.Client(
        base_url=f"https://{variables['ansible_host']}:3010",
        headers={"Authorization": f"Bearer {key}"},
        verify=trust,
        timeout=120,
        trust_env=False,
    )


def warm(caller: Callable[[], httpx.Client]) -> None:
    """Have all answers stored."""
    with caller() as client:
        until(
            lambda: {client.post(PATH, json=question).status_code for question in QUESTIONS} == {200}, timeout_s=BACK_S
        )


def lose(name: str) -> None:
    """Take a host away at once: no process ends in order, and no packet tells."""
    ensure().containers.get(name).kill()


def bring_back(name: str, host: Host) -> None:
    """Start it again, and wait until its Redis server copies the primary and its service is ready."""
    lab_hosts.restart(ensure(), name)
    until(lambda: host.run(f"{PROGRAM} check").rc == 0, timeout_s=BACK_S)


def primary(name: str) -> str:
    """Return the address of the primary, as a host's Sentinels tell it; by the lab, since Ansible takes seconds."""
    done: Any = ensure().containers.get(name).exec_run([PROGRAM, "primary"])
    return str(done.output.decode().split()[0]) if done.exit_code == 0 else ""


def test_requests_reach_both_service_hosts_through_the_balancer(
    caller: Callable[[], httpx.Client], host_of: Callable[[str], Host]
) -> None:
    """Each host is up at the balancer, and an answer of one is a hit of the other."""
    warm(caller)
    metrics = host_of(BALANCER).run(
        "python3 -c \"import urllib.request as u; print(u.urlopen('http://127.0.0.1:8405/metrics').read().decode())\""
    )
    for name in SERVICE:
        assert f'haproxy_server_status{{proxy="api",server="{name}",state="UP"}} 1' in metrics.stdout
    statuses = []
    for _ in range(20):
        with caller() as client:
            statuses.append(client.post(PATH, json=QUESTIONS[0]).headers["cache-status"])
    assert all("hit" in status for status in statuses), statuses


def test_loss_of_the_primarys_host_costs_no_cached_request(
    caller: Callable[[], httpx.Client], host_of: Callable[[str], Host]
) -> None:
    """The others choose a new primary; the answers are there."""
    warm(caller)
    addresses = {name: host_of(name).ansible.get_variables()["ansible_host"] for name in REDIS}
    former = next(name for name in REDIS if addresses[name] == primary(name))
    witness = next(name for name in reversed(REDIS) if name != former)
    with Load(caller, PATH, QUESTIONS) as load:
        load.more(ENOUGH)
        lose(former)
        begun = time.monotonic()
        until(lambda: primary(witness) not in {"", addresses[former]}, timeout_s=LOST_S)
        sys.stdout.write(f"another primary {time.monotonic() - begun:.1f} s after the loss of {former}\n")
        load.more(ENOUGH)
    sys.stdout.write(f"{len(load.statuses)} answers, {load.errors} errors, statuses {set(load.statuses)}\n")
    bring_back(former, host_of(former))
    assert (set(load.statuses), load.errors) == ({200}, [])


def test_loss_of_a_service_host_costs_no_cached_request(
    caller: Callable[[], httpx.Client], host_of: Callable[[str], Host]
) -> None:
    """What it had been asked is asked of the other one."""
    warm(caller)
    with Load(caller, PATH, QUESTIONS) as load:
        load.more(ENOUGH)
        lose(SERVICE[1])
        load.more(4 * ENOUGH)
    sys.stdout.write(f"{len(load.statuses)} answers, {load.errors} errors, statuses {set(load.statuses)}\n")
    bring_back(SERVICE[1], host_of(SERVICE[1]))
    assert (set(load.statuses), load.errors) == ({200}, [])
