"""The chain of providers that the settings ask for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ai_service.providers.mock import MockProvider
from ai_service.providers.ollama import OllamaProvider
from ai_service.providers.openai import OpenAIProvider
from ai_service.providers.pool import ProviderPool
from ai_service.resilience.admission import AdmissionQueue
from ai_service.resilience.chain import ProviderChain
from ai_service.resilience.circuit_breaker import CircuitBreaker
from ai_service.resilience.guarded import GuardedProvider

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ai_service.config.settings import Settings
    from ai_service.observability.metrics import Metrics
    from ai_service.providers.base import Provider

REMOTE_CONCURRENCY = 64
"""Calls at a time to a provider that has machines of its own."""

logger = logging.getLogger(__name__)


def build_providers(settings: Settings) -> list[Provider]:
    """Return the primary provider, then the fallbacks; openai only where its URL is set."""
    names = dict.fromkeys((settings.provider, *settings.fallbacks))
    return [_build_provider(name, settings) for name in names if name != "openai" or settings.openai_base_url]


def _build_provider(name: str, settings: Settings) -> Provider:
    if name == "ollama":
        servers = [_build_ollama(url, settings) for url in (settings.ollama_host, *settings.ollama_servers)]
        return ProviderPool(servers) if len(servers) > 1 else servers[0]
    if name == "openai":
        return OpenAIProvider(
            settings.openai_base_url,
            settings.openai_model,
            api_key=settings.openai_api_key,
            timeout_s=settings.ollama_timeout,
        )
    return MockProvider()


def _build_ollama(url: str, settings: Settings) -> OllamaProvider:
    return OllamaProvider(
        url,
        settings.ollama_model,
        timeout_s=settings.ollama_timeout,
        load_timeout_s=settings.ollama_load_timeout,
        num_ctx=settings.ollama_num_ctx,
        keep_alive_s=settings.ollama_keep_alive,
    )


def build_chain(settings: Settings, providers: Sequence[Provider], metrics: Metrics) -> ProviderChain:
    """Return them as a chain: each behind a circuit breaker and an admission queue of its own."""
    return ProviderChain([_guard(provider, settings, metrics) for provider in providers], metrics)


def _guard(provider: Provider, settings: Settings, metrics: Metrics) -> GuardedProvider:
    servers = 1 + len(settings.ollama_servers)
    concurrency = settings.ollama_num_parallel * servers if provider.name == "ollama" else REMOTE_CONCURRENCY
    metrics.breaker(provider.name, "closed")

    def changed(state: str) -> None:
        metrics.breaker(provider.name, state)
        logger.warning("circuit breaker of %s: %s", provider.name, state)

    return GuardedProvider(
        provider,
        CircuitBreaker(on_change=changed),
        AdmissionQueue(concurrency=concurrency, limit=settings.queue_limit),
        metrics,
    )
