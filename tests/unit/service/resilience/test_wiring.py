"""The chain that the settings ask for."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from ai_service.config.settings import Settings
from ai_service.observability.metrics import Metrics
from ai_service.providers.errors import ProviderUnreachable, QueueFull
from ai_service.providers.pool import ProviderPool
from ai_service.resilience.wiring import build_chains
from lab.ports import free_port
from tests.unit.service.transport.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path

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


MODELS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"


async def inspect_by_proxy(proxy: ScriptedServer, folder: Path, **settings: str) -> None:
    """Inspect the provider openai with a proxy of these settings."""
    (folder / "proxy").write_text(f"http://user:s3cret@{proxy.address}\n")
    links = chain(AI_FALLBACKS="openai", OPENAI_PROXY_FILE=str(folder / "proxy"), **settings).links
    provider = next(link.provider for link in links if link.provider.name == "openai")
    try:
        async with asyncio.timeout(10):
            await provider.inspect()
    finally:
        await provider.close()


async def test_the_second_provider_is_reached_by_its_proxy(tmp_path: Path) -> None:
    """Which resolves the server's name, and knows the service by user and password."""
    async with ScriptedServer(MODELS) as proxy:
        await inspect_by_proxy(proxy, tmp_path, OPENAI_BASE_URL="http://models.invalid:8000/v1")
    (request,) = proxy.requests
    assert request.line == "GET http://models.invalid:8000/v1/models HTTP/1.1"
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpzM2NyZXQ="


async def test_a_proxy_that_refuses_the_server_is_said(tmp_path: Path) -> None:
    """TLS is spoken with the server, so the proxy is asked for a tunnel."""
    async with ScriptedServer(b"HTTP/1.1 403 Filtered\r\nContent-Length: 0\r\n\r\n") as proxy:
        with pytest.raises(ProviderUnreachable, match="the proxy answered 403 Filtered"):
            await inspect_by_proxy(proxy, tmp_path, OPENAI_BASE_URL="https://models.invalid/v1")
    assert proxy.requests[0].line == "CONNECT models.invalid:443 HTTP/1.1"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "models.localhost"])
async def test_loopback_is_never_reached_by_a_proxy(tmp_path: Path, host: str) -> None:
    """A proxy would reach its own host there."""
    async with ScriptedServer(MODELS) as proxy:
        with pytest.raises(ProviderUnreachable):
            await inspect_by_proxy(proxy, tmp_path, OPENAI_BASE_URL=f"http://{host}:{free_port()}/v1")
    assert proxy.requests == []
