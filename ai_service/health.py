"""What the service knows about its surroundings, from looking at them in the background.

Nothing here is done for a request: `/health` costs no call of a model, and a hung dependency hangs no health check.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ai_service import __version__
from ai_service.cache.keys import UNKNOWN_MODEL, model_key
from ai_service.providers.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.cache.store import Store
    from ai_service.containers import ContainerStatus
    from ai_service.probe import ProbeResult
    from ai_service.providers.base import Provider
    from ai_service.providers.chain import ProviderChain
    from ai_service.providers.guarded import GuardedProvider

logger = logging.getLogger(__name__)

INTERVAL_S = 5.0
DIGEST_TTL_S = 30 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Observation:
    """The last look at a provider: `problem` is a word from the metrics' `outcome` label, "" where all is well."""

    problem: str
    loaded: bool | None
    seen: float


class Observer:
    """Looks at providers and store every few seconds, and knows the primary model's digest.

    The digest is part of every key. It is remembered in the store, so that stored answers are found while the
    primary provider is down, even by a process that never saw it.

    Args:
        chain: The providers.
        store: The store.
        containers: What is known of this host's containers; None asks nobody.
        interval_s: Seconds between two looks.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        chain: ProviderChain,
        store: Store,
        *,
        containers: ContainerStatus | None = None,
        interval_s: float = INTERVAL_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._chain = chain
        self._store = store
        self._containers = containers
        self._interval_s = interval_s
        self._clock = clock
        self._observations: dict[str, Observation] = {}
        self._task: asyncio.Task[None] | None = None
        self._draining = False
        self.model_digest = UNKNOWN_MODEL
        self.last_probe: ProbeResult | None = None

    async def start(self) -> None:
        """Looks once, then goes on in the background."""
        await self.look()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends the looking; `ready` is false from now on."""
        self._draining = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> None:
        """Looks at everything once: the store first, since looking at a provider may keep this process busy."""
        await self._store.ping()
        if self.model_digest == UNKNOWN_MODEL:
            await self._recall(self._chain.primary.provider)
        await asyncio.gather(*(self._inspect(link) for link in self._chain.links))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            await self.look()

    async def _inspect(self, link: GuardedProvider) -> None:
        provider = link.provider
        problem, loaded = "", None
        try:
            inspection = await provider.inspect()
        except ProviderError as error:
            problem = error.outcome
        else:
            loaded = inspection.loaded
            if not inspection.digest:
                problem = "model_missing"
            elif link is self._chain.primary:
                await self._remember(provider, inspection.digest)
        before = self._observations.get(provider.name)
        if (before.problem if before else "") != problem:
            logger.warning("%s: %s", provider.name, problem or "answers again")
        self._observations[provider.name] = Observation(problem, loaded, self._clock())

    async def _remember(self, provider: Provider, digest: str) -> None:
        if self.model_digest not in {digest, UNKNOWN_MODEL}:
            logger.warning("model %s changed from %s to %s", provider.model, self.model_digest, digest)
        self.model_digest = digest
        await self._store.set(model_key(provider.name, provider.model), digest.encode(), DIGEST_TTL_S)

    async def _recall(self, provider: Provider) -> None:
        digest = await self._store.get(model_key(provider.name, provider.model))
        if digest:
            self.model_digest = digest.decode("ascii", "replace")

    def usable(self, name: str) -> bool:
        """Whether a provider answered at the last look and its circuit breaker lets calls through."""
        seen = self._observations.get(name)
        link = next(link for link in self._chain.links if link.provider.name == name)
        return seen is not None and not seen.problem and link.breaker.state != "open"

    @property
    def primary_usable(self) -> bool:
        """Whether the provider that is asked first can be asked now."""
        return self.usable(self._chain.primary.provider.name)

    @property
    def primary_loaded(self) -> bool:
        """Whether the primary provider's model is in memory, as far as the server says."""
        seen = self._observations.get(self._chain.primary.provider.name)
        return seen is not None and not seen.problem and seen.loaded is not False

    @property
    def ready(self) -> bool:
        """Whether something can be answered: by a provider, or from the store."""
        if self._draining:
            return False
        stored = self._store.available and self.model_digest != UNKNOWN_MODEL
        return stored or any(self.usable(link.provider.name) for link in self._chain.links)

    @property
    def status(self) -> str:
        """`healthy`, `degraded` (a fallback answers, or there is no store), or `critical` (nobody answers)."""
        names = [link.provider.name for link in self._chain.links]
        if not any(self.usable(name) for name in names):
            return "critical"
        return "healthy" if self.usable(names[0]) and self._store.available else "degraded"

    def report(self) -> dict[str, Any]:
        """Everything, for people and monitors; ages in seconds."""
        now = self._clock()
        providers = []
        for link in self._chain.links:
            seen = self._observations.get(link.provider.name)
            providers.append(
                {
                    "name": link.provider.name,
                    "model": link.provider.model,
                    "usable": self.usable(link.provider.name),
                    "problem": seen.problem if seen else "not looked at yet",
                    "loaded": seen.loaded if seen else None,
                    "breaker": link.breaker.state,
                    "running": link.queue.running,
                    "waiting": link.queue.waiting,
                    "age_s": round(now - seen.seen, 1) if seen else None,
                }
            )
        return {
            "status": self.status,
            "version": __version__,
            "ready": self.ready,
            "model_digest": self.model_digest,
            "providers": providers,
            "cache": {"store": self._store.name, "available": self._store.available},
            "probe": self._probe_report(now),
            "containers": self._containers.report() if self._containers else None,
        }

    def _probe_report(self, now: float) -> dict[str, Any] | None:
        probe = self.last_probe
        if probe is None:
            return None
        return {"outcome": probe.outcome, "seconds": probe.seconds, "age_s": round(now - probe.at, 1)}
