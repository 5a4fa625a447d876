"""Hosts from service time, rate and hit ratio."""

from __future__ import annotations

import math
import random

import pytest

from bench.sizing.arithmetic import Demand, Host, size, wait_within, waiting_share


def demand(**changes: float) -> Demand:
    """Return a demand of 10 requests a second, of which 8 are hits."""
    return Demand(**{"rate": 10.0, "hit_ratio": 0.8, "max_wait_s": 5.0, **changes})


@pytest.mark.parametrize(
    ("slots", "load", "share"),
    [
        (1, 0.5, 0.5),
        (2, 1.0, 1 / 3),
        (10, 8.0, 0.40918),
        (100, 90.0, 0.21691),
        (3, 3.0, 1.0),
        (3, 9.0, 1.0),
        (2, 0.0, 0),
    ],
)
def test_who_waits_is_erlangs_c(slots: int, load: float, share: float) -> None:
    """The textbook's values; at and beyond all slots everybody waits."""
    assert waiting_share(slots, load) == pytest.approx(share, abs=1e-4)


def test_waits_are_those_of_a_simulation() -> None:
    """Independent arrivals, exponential times, three slots."""
    draw = random.Random(7)  # noqa: S311 - a simulation
    free, now, waits = [0.0] * 3, 0.0, []
    for _ in range(200_000):
        now += draw.expovariate(2.4)
        first = min(range(3), key=free.__getitem__)
        begins = max(now, free[first])
        waits.append(begins - now)
        free[first] = begins + draw.expovariate(1.0)
    waits.sort()
    assert wait_within(3, 2.4, 1.0, 0.95) == pytest.approx(waits[int(0.95 * len(waits))], rel=0.05)
    assert waiting_share(3, 2.4) == pytest.approx(sum(wait > 0 for wait in waits) / len(waits), rel=0.02)


def test_hosts_keep_use_and_wait() -> None:
    """2 computed requests a second of 4 s are 8 busy slots; 10 of them are 80 % busy."""
    found = size(demand(max_wait_s=100.0), Host(service_s=4.0))
    assert (found.computed_rate, found.busy_slots, found.slots) == pytest.approx((2.0, 8.0, 10))
    assert (found.hosts, found.with_spare) == (10, 11)
    assert found.busy == pytest.approx(0.8)
    hurried = size(demand(max_wait_s=0.0), Host(service_s=4.0))
    assert hurried.slots > 10
    assert hurried.waits <= 0.05
    assert hurried.wait_s == 0.0


def test_slots_of_a_host_share_what_it_can_do() -> None:
    """Without a gain four slots are no more than one; with a perfect one they are four hosts."""
    alone = size(demand(max_wait_s=math.inf), Host(service_s=4.0))
    same = size(demand(max_wait_s=math.inf), Host(service_s=4.0, slots=4))
    perfect = size(demand(max_wait_s=math.inf), Host(service_s=4.0, slots=4, gain=4.0))
    assert (alone.hosts, same.hosts, perfect.hosts) == (10, 10, 3)


def test_no_computed_request_takes_one_host() -> None:
    """Somebody has to compute the first answer."""
    found = size(demand(hit_ratio=1.0), Host(service_s=4.0))
    assert (found.hosts, found.busy, found.waits) == (1, 0.0, 0.0)


def test_what_no_site_has_is_refused() -> None:
    """Instead of a search without end."""
    with pytest.raises(ValueError, match="more than 100000 slots"):
        size(demand(rate=1e6, hit_ratio=0.0), Host(service_s=10.0))
