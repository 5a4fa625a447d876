"""The chains of providers that the settings ask for."""

from __future__ import annotations

import logging
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ai_service.observability.metrics import BREAKER_STATES
from ai_service.providers.mock import MockProvider
from ai_service.providers.ollama import OllamaProvider
from ai_service.providers.openai import OpenAIProvider
from ai_service.resilience.admission import AdmissionQueue
from ai_service.resilience.chain import ProviderChain
from ai_service.resilience.circuit_breaker import CircuitBreaker
from ai_service.resilience.guarded import GuardedProvider
from ai_service.resilience.model_chains import ModelChains
from ai_service.resilience.pool.model_pool import ModelPool
from ai_service.resilience.pool.pool import OllamaPool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ai_service.config.settings import Settings
    from ai_service.observability.metrics import Metrics
    from ai_service.providers.base import Provider

REMOTE_CONCURRENCY = 64
"""Calls at a time to a provider that has machines of its own."""

logger = logging.getLogger(__name__)


def build_pool(settings: Settings, metrics: Metrics) -> OllamaPool | None:
    """Return the pool of Ollama servers; None where Ollama takes no part."""
    if not settings.asked_of_ollama:
        return None
    return OllamaPool(
        settings.ollama_source,
        settings.asked_of_ollama,
        lambda url, model: _build_ollama(url, settings, model),
        metrics,
        slots=settings.ollama_num_parallel,
        timeout_s=settings.ollama_timeout,
        load_timeout_s=settings.ollama_load_timeout,
    )


def build_providers(settings: Settings, pool: OllamaPool | None) -> list[Provider]:
    """Return the primary provider, then the fallbacks; openai only where its URL is set."""
    names = dict.fromkeys((settings.provider, *settings.fallbacks))
    return [
        _build_provider(name, settings, settings.openai_model if name == "openai" else settings.ollama_model, pool)
        for name in names
        if name != "openai" or settings.openai_base_url
    ]


def _build_provider(name: str, settings: Settings, model: str, pool: OllamaPool | None) -> Provider:
    if name == "ollama":
        assert pool is not None, "settings that name ollama have its servers"
        return pool.of(model)
    if name == "openai":
        return OpenAIProvider(
            settings.openai_base_url,
            model,
            api_key=settings.openai_api_key,
            timeout_s=settings.ollama_timeout,
            proxy="" if _is_loopback(settings.openai_base_url) else settings.openai_proxy,
        )
    return MockProvider()


def _is_loopback(url: str) -> bool:
    """Return whether a URL names this host, which a proxy would take for itself."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _build_ollama(url: str, settings: Settings, model: str) -> OllamaProvider:
    return OllamaProvider(
        url,
        model,
        timeout_s=settings.ollama_timeout,
        load_timeout_s=settings.ollama_load_timeout,
        num_ctx=settings.ollama_num_ctx,
        keep_alive_s=settings.ollama_keep_alive,
    )


def build_chains(settings: Settings, metrics: Metrics, providers: Sequence[Provider] | None = None) -> ModelChains:
    """Return the chain of each model: its primary provider, and the fallbacks that all models share.

    Args:
        settings: The operator's.
        metrics: Where calls are counted.
        providers: In order, for the default model; by default those of the settings.
    """
    pool = None if providers and not settings.further_models else build_pool(settings, metrics)
    primary, *fallbacks = providers or build_providers(settings, pool)
    guards = _Guards(settings, metrics)
    shared = [guards.guard(provider) for provider in fallbacks]
    further: dict[str, ProviderChain] = {}
    for model in settings.further_models if settings.provider != "mock" else ():
        provider = _build_provider(settings.provider, settings, model, pool)
        further[model] = ProviderChain([guards.guard(provider), *shared], metrics)
    return ModelChains(ProviderChain([guards.guard(primary), *shared], metrics), further, pool)


class _Guards:
    """Gives each provider a circuit breaker and an admission queue of its own.

    The metric of a provider's breakers shows the worst of its models.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._states: dict[str, dict[str, str]] = {}

    def guard(self, provider: Provider) -> GuardedProvider:
        """Return a provider behind its breaker and queue."""
        queue = AdmissionQueue(concurrency=self._concurrency(provider), limit=self._settings.queue_limit)
        if isinstance(provider, ModelPool):
            provider.on_change = lambda: queue.resize(provider.room)
        self._changed(provider, "closed")

        def changed(state: str) -> None:
            self._changed(provider, state)
            logger.warning("circuit breaker of %s (%s): %s", provider.name, provider.model, state)

        return GuardedProvider(
            provider,
            CircuitBreaker(on_change=changed),
            queue,
            self._metrics,
        )

    def _concurrency(self, provider: Provider) -> int:
        if isinstance(provider, ModelPool):
            return provider.room
        return self._settings.ollama_num_parallel if provider.name == "ollama" else REMOTE_CONCURRENCY

    def _changed(self, provider: Provider, state: str) -> None:
        states = self._states.setdefault(provider.name, {})
        states[provider.model] = state
        self._metrics.breaker(provider.name, max(states.values(), key=BREAKER_STATES.__getitem__))
