"""Bodies of the health routes."""

from __future__ import annotations

from typing import Literal

import msgspec

from ai_service.health.containers import ContainersReport  # noqa: TC001 - msgspec reads the types of fields
from ai_service.resilience.pool.report import PoolProblem, ServerHealth  # noqa: TC001 - the same


class Liveness(msgspec.Struct, frozen=True):
    """Body of the liveness check."""

    status: str


class Readiness(msgspec.Struct, frozen=True):
    """Body of the readiness check."""

    ready: bool


class ProviderHealth(msgspec.Struct, frozen=True):
    """State of one provider.

    Attributes:
        usable: Whether it answered the last check and its circuit breaker is not open.
        problem: Why the last check or the last answer failed, such as `timeout` or `only_thoughts`; "" without a
            problem.
        loaded: Whether the model is in memory; null where that is unknown.
        breaker: State of the circuit breaker.
        running: Number of requests being answered.
        waiting: Number of requests in the queue.
        age_s: Seconds since the last check; null before the first one.
    """

    name: str
    model: str
    usable: bool
    problem: str
    loaded: bool | None
    breaker: str
    running: int
    waiting: int
    age_s: float | None


class CacheHealth(msgspec.Struct, frozen=True):
    """State of the cache's store."""

    store: str
    available: bool


class ProbeHealth(msgspec.Struct, frozen=True):
    """Last probe: a small request to the primary provider while it is idle.

    Attributes:
        outcome: `ok`, or why it failed.
        seconds: How long it took.
        age_s: Seconds since then.
    """

    outcome: str
    seconds: float
    age_s: float


class Health(msgspec.Struct, frozen=True):
    """Health of the instance that answers.

    Attributes:
        status: `healthy`, `degraded` or `critical`.
        instance: Name of the instance.
        ready: Whether the instance can answer requests.
        model_digest: Digest of the primary provider's model; `000000000000` while it is unknown.
        servers: The Ollama servers; empty where none is asked.
        problems: What an operator has to correct in the list of Ollama servers.
        probe: Null before the first probe.
        containers: Null where no container status is available on this host.
    """

    status: str
    version: str
    instance: str
    covers: Literal["instance"]
    ready: bool
    model_digest: str
    providers: list[ProviderHealth]
    servers: list[ServerHealth]
    problems: list[PoolProblem]
    cache: CacheHealth
    probe: ProbeHealth | None
    containers: ContainersReport | None
