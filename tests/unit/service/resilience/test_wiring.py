"""The chain that the settings ask for."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from ai_service.config.settings import Settings
from ai_service.observability.metrics import Metrics
from ai_service.providers.errors import ProviderUnreachable, QueueFull
from ai_service.resilience.pool.model_pool import ModelPool
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


async def test_one_server_is_asked_as_much_at_a_time_as_it_works_on() -> None:
    """By the setting, or by its entry of the list."""
    assert await room(chain(OLLAMA_NUM_PARALLEL="3", QUEUE_LIMIT="0").primary.queue) == 3
    listed = '{"servers": [{"url": "http://a:11435", "slots": 5}]}'
    assert await room(chain(OLLAMA_SERVERS=listed, QUEUE_LIMIT="0").primary.queue) == 5


async def test_several_servers_are_one_provider_with_room_for_each() -> None:
    """One queue in front of all of them, so that none idles while questions wait for another; it follows the list."""
    primary = chain(OLLAMA_SERVERS="http://a:11435,http://b:11435,http://c:11435", QUEUE_LIMIT="0").primary
    assert isinstance(primary.provider, ModelPool)
    assert (primary.provider.name, primary.provider.model) == ("ollama", "llama3.2:3b")
    assert await room(primary.queue) == 3
    primary.provider.servers.listed.pop()
    primary.provider.changed()
    assert await room(primary.queue) == 2


def test_each_model_has_its_servers() -> None:
    """Models share the servers that have both."""
    listed = (
        '{"servers": [{"url": "http://a", "models": ["llama3.2:3b", "llama3.2:1b"]},'
        ' {"url": "http://b", "models": ["llama3.2:1b"]}]}'
    )
    read = Settings.from_env({"ALCHEMORSEL_OLLAMA_SERVERS": listed, "ALCHEMORSEL_MODELS": "llama3.2:1b"})
    chains = build_chains(read, Metrics())
    servers = {}
    for link in chains.primaries:
        assert isinstance(link.provider, ModelPool)
        servers[link.provider.model] = [served.server.url for served in link.provider.servers.listed]
    assert servers == {"llama3.2:3b": ["http://a"], "llama3.2:1b": ["http://a", "http://b"]}


def test_without_ollama_there_is_no_pool() -> None:
    """Nothing is asked of a server that takes no part."""
    assert build_chains(Settings.from_env({"ALCHEMORSEL_AI_PROVIDER": "mock"}), Metrics()).pool is None


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
