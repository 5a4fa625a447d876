"""Hosts that are lost under load of callers who ask through the balancer."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from tests.fleet.site import BALANCER, PATH, QUESTIONS, REDIS, SERVICE, bring_back, lose, primary, warm
from tests.hosts.client import page_of
from tests.integration.service.load import Load
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx
    from testinfra.host import Host

ENOUGH = 500
LOST_S = 120


def test_requests_reach_both_service_hosts_through_the_balancer(
    caller: Callable[[], httpx.Client], host_of: Callable[[str], Host]
) -> None:
    """Each host is up at the balancer, and an answer of one is a hit of the other."""
    warm(caller)
    metrics = page_of(host_of(BALANCER), "http://127.0.0.1:8405/metrics")
    for name in SERVICE:
        assert f'haproxy_server_status{{proxy="api",server="{name}",state="UP"}} 1' in metrics
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
        sys.stdout.write(f"loss of {former}: {load.summary()}")
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
        sys.stdout.write(f"loss of {SERVICE[1]}: {load.summary()}")
    bring_back(SERVICE[1], host_of(SERVICE[1]))
    assert (set(load.statuses), load.errors) == ({200}, [])
