"""Slots and hosts from service time, rate and hit ratio: Little's law and Erlang's C formula, without I/O."""

from __future__ import annotations

import math

import msgspec

MAX_SLOTS = 100_000


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What callers want.

    Attributes:
        rate: Requests a second, cached ones included.
        hit_ratio: Share that is answered from the cache, 0 to 1.
        max_wait_s: Longest time in the queue, in seconds.
        share_within: Share of the computed requests that wait no longer, below 1.
        max_busy: Largest share of the slots that may be busy on average.
    """

    rate: float
    hit_ratio: float
    max_wait_s: float
    share_within: float = 0.95
    max_busy: float = 0.8

    @property
    def computed_rate(self) -> float:
        """Requests a second that a model has to answer."""
        return self.rate * (1 - self.hit_ratio)


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """What an Ollama host does.

    Attributes:
        service_s: Mean time of a computed request on an otherwise idle host, in seconds.
        slots: Requests that it works on at a time.
        gain: Throughput with all slots busy over that with one: 1 is no gain, `slots` is a perfect one.
    """

    service_s: float
    slots: int = 1
    gain: float = 1.0

    @property
    def busy_service_s(self) -> float:
        """Time of a request while all slots are busy, in seconds."""
        return self.service_s * self.slots / self.gain


class Sizing(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes.

    Attributes:
        computed_rate: Requests a second that a model has to answer.
        busy_slots: Slots that are busy on average.
        slots: Slots that keep both limits.
        hosts: Hosts that have them.
        with_spare: Hosts of which any one may be lost.
        busy: Average share of the slots of `hosts` that is busy.
        waits: Share of the computed requests that wait at all, with `hosts`.
        wait_s: Time in the queue that the wanted share of them stays within, with `hosts`, in seconds.
    """

    computed_rate: float
    busy_slots: float
    slots: int
    hosts: int
    with_spare: int
    busy: float
    waits: float
    wait_s: float


def size(demand: Demand, host: Host) -> Sizing:
    """Return the fewest hosts that keep both limits, average use and waiting time.

    Requests arrive independently of each other (Poisson), and take exponentially distributed times: models' times vary
    less, so real waits are shorter.

    Raises:
        ValueError: It would take more than `MAX_SLOTS` slots.
    """
    load = demand.computed_rate * host.busy_service_s
    slots = max(1, math.ceil(load / demand.max_busy - 1e-9))
    while slots <= MAX_SLOTS and wait_within(slots, load, host.busy_service_s, demand.share_within) > demand.max_wait_s:
        slots += 1
    if slots > MAX_SLOTS:
        raise ValueError(f"more than {MAX_SLOTS} slots: {load:.0f} requests would be under way on average")
    hosts = math.ceil(slots / host.slots)
    given = hosts * host.slots
    return Sizing(
        computed_rate=demand.computed_rate,
        busy_slots=load,
        slots=slots,
        hosts=hosts,
        with_spare=hosts + 1,
        busy=load / given,
        waits=waiting_share(given, load),
        wait_s=wait_within(given, load, host.busy_service_s, demand.share_within),
    )


def waiting_share(slots: int, load: float) -> float:
    """Return the probability that a request has to wait (Erlang C).

    Args:
        slots: Requests at a time.
        load: Slots that are busy on average; as many or more make everybody wait.
    """
    if load >= slots:
        return 1.0
    if load <= 0:
        return 0.0
    blocked = 1.0  # Erlang B by its recursion, which neither overflows nor loses digits.
    for count in range(1, slots + 1):
        blocked = load * blocked / (count + load * blocked)
    return slots * blocked / (slots - load * (1 - blocked))


def wait_within(slots: int, load: float, service_s: float, share: float) -> float:
    """Return the waiting time that a share of the requests stays within, in seconds; infinite where the queue grows.

    Args:
        slots: Requests at a time.
        load: Slots that are busy on average.
        service_s: Mean time of a request.
        share: Below 1.
    """
    if load >= slots:
        return math.inf
    waits = waiting_share(slots, load)
    if waits <= 1 - share:
        return 0.0
    return service_s / (slots - load) * math.log(waits / (1 - share))
