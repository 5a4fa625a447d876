"""The models that are served, each with its own chain of providers: queue, breaker and deadlines are a model's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ai_service.resilience.chain import ProviderChain
    from ai_service.resilience.guarded import GuardedProvider
    from ai_service.resilience.pool.pool import OllamaPool


class ModelChains:
    """Chains by the model that their primary provider runs.

    Args:
        default: Of the model that is asked where nobody names one.
        further: Of the other models.
        pool: The Ollama servers that the chains share; None where Ollama takes no part.
    """

    def __init__(
        self,
        default: ProviderChain,
        further: Mapping[str, ProviderChain] | None = None,
        pool: OllamaPool | None = None,
    ) -> None:
        self.default = default
        self.pool = pool
        self._chains = {default.primary.provider.model: default, **(further or {})}

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, the default one first."""
        return tuple(self._chains)

    @property
    def primary(self) -> GuardedProvider:
        """The primary provider of the default model."""
        return self.default.primary

    @property
    def primaries(self) -> tuple[GuardedProvider, ...]:
        """The primary provider of each model, the default one's first."""
        return tuple(chain.primary for chain in self._chains.values())

    @property
    def links(self) -> tuple[GuardedProvider, ...]:
        """All providers, each once: primaries first, then the fallbacks that they share."""
        fallbacks = (link for chain in self._chains.values() for link in chain.links[1:])
        return tuple(dict.fromkeys((*self.primaries, *fallbacks)))

    def of(self, model: str) -> ProviderChain:
        """Return the chain of a model; the default one for "" and for a model that is not served."""
        return self._chains.get(model, self.default)

    async def start(self) -> None:
        """Begin to follow the list of Ollama servers."""
        if self.pool is not None:
            await self.pool.start()

    async def close(self) -> None:
        """Close every provider."""
        for link in self.links:
            await link.provider.close()
        if self.pool is not None:
            await self.pool.stop()
