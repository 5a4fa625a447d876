"""How busy everything is that may stand in the way of a higher rate.

- ``service CPU``: processor time of the service, a share of one core for each of its workers
- ``Redis``: the same of the busiest `redis-server` on this machine
- ``machine``: processor time of everything on this machine, a share of all its cores, if the service runs here
- ``Ollama slots``: time that provider calls took, a share of what the slots could have worked in that time
- ``generator``: the generator's own processor time, a share of one core

The service's processor time is its own metric; where several workers leave that out, that of the process that listens
on the target's port, if it is on this machine. What cannot be told is left out.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped] # has none
from prometheus_client.parser import text_string_to_metric_families

from bench.capacity import processes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.capacity.curve import Step

BUSY = 0.8
"""From here on a resource is taken to be what stands in the way: queues in front of it grow without bound near 1."""

_OLLAMA = "alchemorsel_ai_provider_duration_seconds_sum"


@dataclass(frozen=True, slots=True)
class Reading:
    """Running totals at one moment; None where there is none.

    Attributes:
        service_s: Processor time of the service.
        redis_s: Processor time of each Redis on this machine, by process id.
        machine_s: Processor time of everything on this machine.
        provider_s: Time that calls of Ollama took.
        at_s: The moment, by a monotonic clock.
        workers: Processes that serve.
    """

    service_s: float | None
    redis_s: Mapping[int, float]
    machine_s: float | None
    provider_s: float | None
    at_s: float
    workers: int


def read(url: str, metrics: str) -> Reading:
    """Read all totals now.

    Args:
        url: The service's.
        metrics: Body of its ``/metrics``; empty where it has none.
    """
    totals = _totals(metrics)
    times = psutil.cpu_times()
    service_s = totals.get("process_cpu_seconds_total")
    local = is_local(url)
    if service_s is None and local and (pid := _listener(url)) is not None:
        service_s = processes.cpu_seconds(pid)
    return Reading(
        service_s=service_s,
        redis_s=_redis_s() if local else {},
        machine_s=sum(times) - times.idle - times.iowait - times.guest - times.guest_nice if local else None,
        provider_s=totals.get(_OLLAMA),
        at_s=time.perf_counter(),
        workers=max(1, int(totals.get("alchemorsel_ai_workers", 1))),
    )


def used(before: Reading, after: Reading, seconds: float, *, slots: int, generator: float) -> dict[str, float]:
    """Return the busy share of every resource over a time, as far as it is known.

    Args:
        before: At its beginning.
        after: At its end.
        seconds: How long there was load meanwhile; the machine as a whole is busy before and after, too.
        slots: Requests that Ollama serves side by side.
        generator: The generator's own share.
    """
    shares = {"generator": generator}
    redis = [(spent - before.redis_s[pid]) / seconds for pid, spent in after.redis_s.items() if pid in before.redis_s]
    if redis:
        shares["Redis"] = max(redis)
    whole_s = max(after.at_s - before.at_s, seconds)
    for name, begun, ended, capacity in (
        ("service CPU", before.service_s, after.service_s, after.workers),
        ("machine", before.machine_s, after.machine_s, (psutil.cpu_count() or 1) * whole_s / seconds),
        ("Ollama slots", before.provider_s, after.provider_s, slots),
    ):
        if begun is not None and ended is not None:
            shares[name] = max(0.0, ended - begun) / (seconds * capacity)
    return {name: round(share, 3) for name, share in sorted(shares.items())}


def is_generators_limit(step: Step) -> bool:
    """Whether what broke at a rate may be the generator's: it was late, or at its limit, or took most of the machine.

    Args:
        step: The lowest rate that was not kept.
    """
    shares, cores = step.used, psutil.cpu_count() or 1
    generator = shares.get("generator", 0.0)
    if step.limited or generator >= BUSY:
        return True
    # The machine is full, and the service, as far as it tells, is not what fills it.
    return shares.get("machine", 0.0) >= BUSY and generator / cores >= shares.get("service CPU", 0.0) / cores


def is_filled_by_others(step: Step) -> bool:
    """Whether the machine was full, and generator and service together took less than half of it.

    Args:
        step: The lowest rate that was not kept.
    """
    shares, cores = step.used, psutil.cpu_count() or 1
    ours = (shares.get("generator", 0.0) + shares.get("service CPU", 0.0) + shares.get("Redis", 0.0)) / cores
    return "service CPU" in shares and shares.get("machine", 0.0) >= BUSY and ours < shares["machine"] / 2


def saturated(shares: Mapping[str, float]) -> str:
    """Return the busiest resource, if it is busy enough to stand in the way; else an empty string."""
    name = max(shares, key=lambda one: shares[one], default="")
    return name if name and shares[name] >= BUSY else ""


def is_local(url: str) -> bool:
    """Whether a URL is of this machine, by its addresses."""
    host = urlsplit(url).hostname or ""
    try:
        addresses = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    ours = {address.address for cards in psutil.net_if_addrs().values() for address in cards}
    return any(ipaddress.ip_address(str(one)).is_loopback or one in ours for one in addresses)


def _totals(metrics: str) -> dict[str, float]:
    """Sum every series by its name; of the providers' only Ollama's, which has slots. Nothing of what is no metrics."""
    totals: dict[str, float] = {}
    try:
        families = list(text_string_to_metric_families(metrics))
    except ValueError:  # An error page, or a target that answers everything alike.
        return totals
    for family in families:
        for sample in family.samples:
            if sample.name != _OLLAMA or sample.labels.get("provider") == "ollama":
                totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
    return totals


def _listener(url: str) -> int | None:
    """Return the eldest process that listens on the URL's port, whose children are its workers."""
    port = urlsplit(url).port
    listening = {
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid
    }
    return min(listening, default=None)


def _redis_s() -> dict[int, float]:
    found = (process.pid for process in psutil.process_iter(["name"]) if process.info["name"] == "redis-server")
    return {pid: processes.cpu_seconds(pid) for pid in found}
