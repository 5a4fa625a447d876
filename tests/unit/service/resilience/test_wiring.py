"""The chain that the settings ask for."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from ai_service.config.settings import Settings
from ai_service.observability.metrics import Metrics
from ai_service.providers.errors import QueueFull
from ai_service.providers.pool import ProviderPool
from ai_service.resilience.wiring import build_chains

if TYPE_CHECKING:
    from ai_service.resilience.admission import AdmissionQueue
    from ai_service.resilience.chain import ProviderChain


def chain(**settings: str) -> ProviderChain:
    """Build the chain of these settings, given without the prefix of their names."""
    read = Settings.from_env({f"ALCHEMORSEL_{name}": value for name, value in settings.items()})
    return build_chains(read, Metrics()).default


async def room(queue: AdmissionQueue) -> int:
    """How many calls it lets through at a time."""
    async with AsyncExitStack() as held:
        while True:
            try:
                await held.enter_async_context(queue.slot())
            except QueueFull:
                return queue.running


async def test_one_server_is_asked_directly() -> None:
    """As much at a time as it works on at a time."""
    primary = chain(OLLAMA_NUM_PARALLEL="3", QUEUE_LIMIT="0").primary
    assert not isinstance(primary.provider, ProviderPool)
    assert await room(primary.queue) == 3


async def test_several_servers_are_one_provider_with_room_for_each() -> None:
    """One queue in front of all of them, so that none idles while questions wait for another."""
    primary = chain(OLLAMA_NUM_PARALLEL="3", OLLAMA_SERVERS="http://a:11435,http://b:11435", QUEUE_LIMIT="0").primary
    assert isinstance(primary.provider, ProviderPool)
    assert (primary.provider.name, primary.provider.model) == ("ollama", "llama3.2:3b")
    assert await room(primary.queue) == 9


def test_openai_takes_part_once_its_address_is_known() -> None:
    """Whatever the list of fallbacks says."""
    names = [link.provider.name for link in chain(AI_FALLBACKS="openai,mock").links]
    assert names == ["ollama", "mock"]
    known = chain(AI_FALLBACKS="openai,mock", OPENAI_BASE_URL="http://openai.test/v1")
    assert [link.provider.name for link in known.links] == ["ollama", "openai", "mock"]
