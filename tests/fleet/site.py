"""What the tests of the fleet share: its hosts, how one is lost and comes back, and questions that callers repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab import hosts as lab_hosts
from lab.engine import ensure
from tests.hosts.client import is_served
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx
    from testinfra.host import Host

BALANCER = "fleet-d"
SERVICE = ("fleet-a", "fleet-b")
REDIS = ("fleet-a", "fleet-b", "fleet-c")
PATH = "/api/v1/ai/suggest-ingredients"
QUESTIONS = [{"partial": [word]} for word in ("pear", "leek", "oats", "rice")]
METRICS = "http://127.0.0.1:3010/metrics"
REDIS_PROGRAM = "/usr/local/sbin/alchemorsel-redis"
BACK_S = 300


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
    """Start it again, and wait until its Redis server copies the primary and an instance of the service is live."""
    lab_hosts.restart(ensure(), name)
    until(lambda: host.run(f"{REDIS_PROGRAM} check").rc == 0, timeout_s=BACK_S)
    if name in SERVICE:
        until(lambda: is_served(host, METRICS), timeout_s=BACK_S)


def primary(name: str) -> str:
    """Return the address of the primary, as a host's Sentinels tell it; by the lab, since Ansible takes seconds."""
    done: Any = ensure().containers.get(name).exec_run([REDIS_PROGRAM, "primary"])
    return str(done.output.decode().split()[0]) if done.exit_code == 0 else ""
