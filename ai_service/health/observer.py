"""What the service knows about its surroundings, from looking at them before the first request and in the background.

Nothing here is done for a request: `/health` costs no call of a model, and a hung dependency hangs no health check.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ai_service import __version__
from ai_service.cache.keys import UNKNOWN_MODEL, model_key
from ai_service.process.periodic import Periodic
from ai_service.providers.errors import ProviderError, ProviderTimeout

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.cache.store import Store
    from ai_service.health.containers import ContainerStatus
    from ai_service.health.probe import ProbeResult
    from ai_service.providers.base import Provider
    from ai_service.resilience.chain import ProviderChain
    from ai_service.resilience.guarded import GuardedProvider

logger = logging.getLogger(__name__)

INTERVAL_S = 5.0
RETRY_S = 0.5
"""Between two looks while something has not been seen that is not known to be down either."""
MAX_WAIT_S = 5.0
"""Longer than a loaded machine keeps a process that starts, a Redis or an Ollama from answering."""
DIGEST_TTL_S = 30 * 24 * 3600.0
DIGEST = re.compile(rb"[0-9A-Za-z]{12}")
"""What a stored digest looks like; anything else under its key is not of this program."""


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
        instance: Name of this instance among those of its host.
        containers: What is known of this host's containers; None asks nobody.
        interval_s: Seconds between two looks.
        patience_s: Seconds that the start takes at most, where something neither answers nor refuses.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        chain: ProviderChain,
        store: Store,
        *,
        instance: str = "",
        containers: ContainerStatus | None = None,
        interval_s: float = INTERVAL_S,
        patience_s: float = MAX_WAIT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._chain = chain
        self._store = store
        self._instance = instance
        self._containers = containers
        self._looking = Periodic("looking at providers and store", self.look, interval_s)
        self._patience_s = patience_s
        self._clock = clock
        self._observations: dict[str, Observation] = {}
        self._draining = False
        self.model_digest = UNKNOWN_MODEL
        self.last_probe: ProbeResult | None = None

    async def start(self) -> None:
        """Look until store and model have been seen or are known to be down; then go on in the background.

        A process that serves before would compute what is stored: without the digest no answer is found.
        """
        now = asyncio.get_running_loop().time
        give_up = now() + self._patience_s
        connected = await self._store.connect(self._patience_s)
        await self._looking.once()
        while now() < give_up and not (self._model_known and (self._store.available or not connected)):
            await asyncio.sleep(RETRY_S)
            await self._looking.once()
        self._looking.start()

    def drain(self) -> None:
        """Report not ready from now on."""
        self._draining = True

    async def stop(self) -> None:
        """End the looking; `ready` is false from now on."""
        self.drain()
        await self._looking.stop()

    async def look(self) -> None:
        """Inspect store and providers once, the store first, since inspecting a provider may keep this process busy."""
        await self._store.ping()
        if self.model_digest == UNKNOWN_MODEL:
            await self._recall(self._chain.primary.provider)
        await asyncio.gather(*(self._inspect(link) for link in self._chain.links))

    @property
    def _model_known(self) -> bool:
        """Whether the digest is known, or why it is not."""
        seen = self._observations.get(self._chain.primary.provider.name)
        return self.model_digest != UNKNOWN_MODEL or (seen is not None and seen.problem != ProviderTimeout.outcome)

    async def _inspect(self, link: GuardedProvider) -> None:
        provider = link.provider
        problem, loaded = "", None
        try:
            inspection = await provider.inspect()
        except ProviderError as error:
            problem = error.outcome
        except Exception:
            logger.exception("looking at %s failed unexpectedly", provider.name)
            problem = "failed"
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
        if digest is not None and DIGEST.fullmatch(digest):
            self.model_digest = digest.decode("ascii")

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
        """`healthy`, `degraded` (answers are a fallback's or made up, or there is no store), or `critical` (none)."""
        names = [link.provider.name for link in self._chain.links]
        if not any(self.usable(name) for name in names):
            return "critical"
        primary = self._chain.primary
        answers = self.usable(names[0]) and not primary.problem and not primary.provider.synthetic
        return "healthy" if answers and self._store.available else "degraded"

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
                    "problem": seen.problem or link.problem if seen else "not looked at yet",
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
            "instance": self._instance,
            "covers": "instance",
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
