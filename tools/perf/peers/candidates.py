"""Candidates for hits: each a running server with answers in its cache, and how these are told from computed ones."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from tools.perf.errors import ProcessError
from tools.perf.peers.echo import ANSWER_BYTES
from tools.perf.peers.field import ECHO, EDGE, INSTANCE, LITELLM, NGINX, PORT, REDIS
from tools.perf.peers.wrk import Load

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.perf.peers.field import Field, Measured, Running
    from tools.perf.peers.wrk import Wrk

CACHING = (ECHO, PORT, INSTANCE, EDGE, REDIS, NGINX, LITELLM)
"""Who can answer from a cache, and the yardstick."""

QUESTIONS = 40_000
"""In turn, these are more than an instance's memory layer holds (32 MiB are some 18,600 answers of 1.2 KB), and up to
20,000 requests a second none comes again within the two seconds for which that layer trusts an answer, nor does a
warm-up of one second, which begins in the middle, reach the first of them. Whether each request really reached Redis is
counted in every round."""

_PRIME_SECONDS = 10
_PRIME_DEADLINE_S = 300.0
_STORED_SECONDS = 0.1
"""An answer is stored a moment after it is given; until then another instance would wait for it, which is no hit."""
_PROBE_SECONDS = 60.0
_REDIS_SHARES = {
    # Every two seconds the memory layer asks Redis again.
    **dict.fromkeys((PORT, INSTANCE, EDGE), (0.0, 0.02)),
    REDIS: (0.98, float("inf")),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of those that are measured in turns.

    Attributes:
        name: One of `CACHING`.
        title: For tables.
        server: The processes whose CPU time counts.
        load: What it is sent.
        answer_bytes: Size of an answer's body.
        computed: How many answers were computed so far, instead of taken from the cache.
        redis_reads: How many values its Redis gave out so far; None where that proves nothing.
        redis_share: Bounds on these values a request, between which a round is valid.
    """

    name: str
    title: str
    server: Measured
    load: Load
    answer_bytes: int
    computed: Callable[[], int]
    redis_reads: Callable[[], int] | None = None
    redis_share: tuple[float, float] = (0.0, float("inf"))

    def reads(self) -> int:
        """Return how many values its Redis gave out so far; 0 where that proves nothing."""
        return self.redis_reads() if self.redis_reads else 0


def enter(field: Field, wrk: Wrk, name: str) -> Candidate:
    """Start a candidate, with answers in its cache.

    Args:
        field: Starts servers; its upstream has no delay.
        wrk: Fills the cache.
        name: One of `CACHING`.

    Raises:
        BenchError: It did not start, or does not answer as expected.
        LabError: A program could not be installed.
    """
    running = field.start(name)
    count = QUESTIONS if name == REDIS else 1
    load = Load(running.url, [running.question(number) for number in range(count)], running.headers)
    size = _probe(running, load)
    if name == ECHO and size != ANSWER_BYTES:
        raise ProcessError(f"the echo answered {size} bytes instead of {ANSWER_BYTES}")
    if count > 1:
        _prime(field, wrk, load)
    # The echo computes nothing, and is asked before an upstream runs.
    computed = field.calls if name != ECHO else lambda: 0
    if name not in _REDIS_SHARES:
        return Candidate(name, running.title, running.server, load, size, computed)
    share = _REDIS_SHARES[name]
    return Candidate(name, running.title, running.server, load, size, computed, field.redis_reads, share)


def _prime(field: Field, wrk: Wrk, load: Load) -> None:
    """Have every question answered once; wrk sends them in order, so what is answered is a prefix of them."""
    before, connections = field.calls(), wrk.connections
    deadline = time.monotonic() + _PRIME_DEADLINE_S
    while (done := field.calls() - before) < len(load.bodies) - 1:  # One was the probe's.
        if time.monotonic() > deadline:
            raise ProcessError(f"only {done} of {len(load.bodies)} answers cached in {_PRIME_DEADLINE_S:g} s")
        field.tell(f"filling the cache: {done} of {len(load.bodies)} questions")
        first = max(0, done - connections)
        wrk.run(Load(load.url, [*load.bodies[first:], *load.bodies[:first]], load.headers), _PRIME_SECONDS)


def _probe(running: Running, load: Load) -> int:
    """Ask twice, so that the second answer comes from the cache; returns the size of its body.

    Raises:
        ProcessError: An answer has another status than 200, or the second one was not cached.
    """
    with httpx.Client(timeout=_PROBE_SECONDS, trust_env=False) as client:
        for _ in range(2):
            time.sleep(_STORED_SECONDS)
            response = client.post(load.url, content=load.bodies[0], headers=dict(load.headers))
            if response.status_code != 200:
                raise ProcessError(f"{load.url} answered {response.status_code}: {response.text[:200]}")
    if not running.is_hit(response.headers):
        raise ProcessError(f"{load.url}: the same request came twice, and the second was not answered from the cache")
    return len(response.content)
