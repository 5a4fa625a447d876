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
    from ai_service.providers.base import Inspection, Provider
    from ai_service.resilience.guarded import GuardedProvider
    from ai_service.resilience.model_chains import ModelChains

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
    """The last look at a provider.

    Attributes:
        problem: A word from the metrics' `outcome` label, "" where all is well.
        inspection: What the provider said of itself; None where it said nothing.
        seen: When, in seconds since the epoch.
    """

    problem: str
    inspection: Inspection | None
    seen: float

    @property
    def loaded(self) -> bool | None:
        """Whether the model is in memory; None where that is unknown."""
        return self.inspection.loaded if self.inspection is not None else None


class Observer:
    """Looks at providers and store every few seconds, and knows the digest of each model.

    The digest is part of every key. It is remembered in the store, so that stored answers are found while the
    primary provider is down, even by a process that never saw it.

    Args:
        chains: The providers, by model.
        store: The store.
        instance: Name of this instance among those of its host.
        containers: What is known of this host's containers; None asks nobody.
        interval_s: Seconds between two looks.
        patience_s: Seconds that the start takes at most, where something neither answers nor refuses.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        chains: ModelChains,
        store: Store,
        *,
        instance: str = "",
        containers: ContainerStatus | None = None,
        interval_s: float = INTERVAL_S,
        patience_s: float = MAX_WAIT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._chains = chains
        self._store = store
        self._instance = instance
        self._containers = containers
        self._pool = chains.pool
        self._looking = Periodic("looking at providers and store", self.look, interval_s)
        self._patience_s = patience_s
        self._clock = clock
        self._observations: dict[tuple[str, str], Observation] = {}
        self._digests: dict[str, str] = {}
        self._default_model = chains.primary.provider.model
        self._draining = False
        self.last_probe: ProbeResult | None = None

    async def start(self) -> None:
        """Look until store and model have been seen or are known to be down; then go on in the background.

        A process that serves before would compute what is stored: without the digest no answer is found.
        """
        now = asyncio.get_running_loop().time
        give_up = now() + self._patience_s
        connected = await self._store.connect(self._patience_s)
        await self._looking.once()
        while now() < give_up and not (self._models_known and (self._store.available or not connected)):
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
        for link in self._chains.primaries:
            if self.digest_of(link.provider.model) == UNKNOWN_MODEL:
                await self._recall(link.provider)
        await asyncio.gather(*(self._inspect(link) for link in self._chains.links))

    @property
    def model_digest(self) -> str:
        """The digest of the default model."""
        return self.digest_of("")

    def digest_of(self, model: str) -> str:
        """Return a model's digest; `UNKNOWN_MODEL` before anybody has seen it.

        Args:
            model: Its name; "" for the default one.
        """
        model = model or self._default_model
        return self._digests.get(model) or self._expected(model) or UNKNOWN_MODEL

    def _expected(self, model: str) -> str:
        """Return what the configuration says of the digest of a model of Ollama's; "" for nothing."""
        is_ollama = self._chains.of(model).primary.provider.name == "ollama"
        return self._pool.expected_digest(model) if self._pool is not None and is_ollama else ""

    def inspection_of(self, model: str) -> Inspection | None:
        """Return what a model's primary provider last said of itself; None where it said nothing."""
        seen = self._seen(self._chains.of(model).primary)
        return seen.inspection if seen is not None else None

    def _seen(self, link: GuardedProvider) -> Observation | None:
        return self._observations.get((link.provider.name, link.provider.model))

    @property
    def _models_known(self) -> bool:
        """Whether each digest is known, or why it is not."""
        return all(
            self.digest_of(link.provider.model) != UNKNOWN_MODEL
            or ((seen := self._seen(link)) is not None and seen.problem != ProviderTimeout.outcome)
            for link in self._chains.primaries
        )

    async def _inspect(self, link: GuardedProvider) -> None:
        provider = link.provider
        problem, inspection = "", None
        try:
            inspection = await provider.inspect()
        except ProviderError as error:
            problem = error.outcome
        except Exception:
            logger.exception("looking at %s failed unexpectedly", provider.name)
            problem = "failed"
        else:
            if not inspection.digest:
                problem = "model_missing"
            elif link in self._chains.primaries:
                await self._remember(provider, inspection.digest)
        before = self._seen(link)
        if (before.problem if before else "") != problem:
            logger.warning("%s (%s): %s", provider.name, provider.model, problem or "available again")
        self._observations[provider.name, provider.model] = Observation(problem, inspection, self._clock())

    async def _remember(self, provider: Provider, digest: str) -> None:
        before = self.digest_of(provider.model)
        if before not in {digest, UNKNOWN_MODEL}:
            logger.warning("model %s changed from %s to %s", provider.model, before, digest)
        self._digests[provider.model] = digest
        await self._store.set(model_key(provider.name, provider.model), digest.encode(), DIGEST_TTL_S)

    async def _recall(self, provider: Provider) -> None:
        digest = await self._store.get(model_key(provider.name, provider.model))
        if digest is not None and DIGEST.fullmatch(digest):
            self._digests[provider.model] = digest.decode("ascii")

    def usable(self, link: GuardedProvider) -> bool:
        """Return whether a provider answered at the last look and its circuit breaker lets calls through."""
        seen = self._seen(link)
        return seen is not None and not seen.problem and link.breaker.state != "open"

    @property
    def primary_usable(self) -> bool:
        """Whether the provider that is asked first can be asked now."""
        return self.usable(self._chains.primary)

    @property
    def primary_loaded(self) -> bool:
        """Whether the primary provider's model is in memory, as far as the server says."""
        seen = self._seen(self._chains.primary)
        return seen is not None and not seen.problem and seen.loaded is not False

    @property
    def ready(self) -> bool:
        """Whether something can be answered: by a provider, or from the store."""
        if self._draining:
            return False
        stored = self._store.available and self.model_digest != UNKNOWN_MODEL
        return stored or any(map(self.usable, self._chains.links))

    @property
    def status(self) -> str:
        """The status in a word.

        `healthy`, `degraded` (answers of a model are a fallback's or samples, no store, or a problem of the list of
        Ollama servers), or `critical` (no provider can be asked).
        """
        if not any(map(self.usable, self._chains.links)):
            return "critical"
        answers = all(
            self.usable(link) and not link.problem and not link.provider.synthetic for link in self._chains.primaries
        )
        correct = self._pool is None or not self._pool.problems
        return "healthy" if answers and correct and self._store.available else "degraded"

    def report(self) -> dict[str, Any]:
        """Everything, for people and monitors; ages in seconds."""
        now = self._clock()
        providers = []
        for link in self._chains.links:
            seen = self._seen(link)
            providers.append(
                {
                    "name": link.provider.name,
                    "model": link.provider.model,
                    "usable": self.usable(link),
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
            "servers": self._pool.report() if self._pool else [],
            "problems": self._pool.problems if self._pool else [],
            "cache": {"store": self._store.name, "available": self._store.available},
            "probe": self._probe_report(now),
            "containers": self._containers.report() if self._containers else None,
        }

    def _probe_report(self, now: float) -> dict[str, Any] | None:
        probe = self.last_probe
        if probe is None:
            return None
        return {"outcome": probe.outcome, "seconds": probe.seconds, "age_s": round(now - probe.at, 1)}
