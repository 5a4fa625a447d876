"""Pools over scripted servers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from ai_service.config.ollama_servers import ServerEntry, ServerList, ServerSource
from ai_service.config.settings import Settings
from ai_service.observability.metrics import Metrics
from ai_service.resilience.pool.addresses import AddressLookup
from ai_service.resilience.pool.pool import OllamaPool
from ai_service.tasks import build_tasks
from tests.unit.service.fakes import BODIES, FakeClock, ScriptedProvider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from ai_service.providers.base import Prompt
    from ai_service.resilience.pool.model_pool import ModelPool

MODEL = "llama3.2:3b"
RECIPE = next(task for task in build_tasks(Settings.from_env({})) if task.name == "recipe")


def prompt() -> Prompt:
    """Build a small prompt."""
    return RECIPE.ask(msgspec.convert(BODIES[RECIPE.path], RECIPE.request_type).canonical())


class Site:
    """A pool whose servers are scripted, one for each URL.

    Args:
        servers: By URL, or a sequence, whose URLs are `http://1`, `http://2` and so on.
        entries: The list; by default an entry for each server.
        digests: Expected digests.
        models: The service's models.
        resolve: Resolves names.
        slots: Of an entry that names none.
        timeout_s: Longest silence.

    Attributes:
        pool: The pool.
        clock: Its clock.
        servers: The servers, by URL; further ones answer well.
        metrics: Where it counts.
    """

    def __init__(
        self,
        *servers: ScriptedProvider,
        entries: Sequence[ServerEntry] = (),
        digests: dict[str, str] | None = None,
        models: Sequence[str] = (MODEL,),
        resolve: Callable[[str, int], list[str]] = lambda _name, _port: [],
        source: ServerSource | None = None,
        slots: int = 1,
        timeout_s: float = 30.0,
    ) -> None:
        self.clock = FakeClock()
        self.metrics = Metrics()
        self.servers = {f"http://{number}": server for number, server in enumerate(servers, 1)}
        entries = entries or [ServerEntry(url) for url in self.servers]
        self.pool = OllamaPool(
            source or ServerSource(ServerList(tuple(entries), digests or {})),
            models,
            self._make_provider,
            self.metrics,
            slots=slots,
            timeout_s=timeout_s,
            load_timeout_s=60.0,
            addresses=AddressLookup(resolve, deadline_s=0.2),
            clock=self.clock,
        )

    def _make_provider(self, url: str, model: str) -> ScriptedProvider:
        server = self.servers.setdefault(url, ScriptedProvider())
        server.model = model
        return server

    @property
    def model(self) -> ModelPool:
        """The servers of the first model."""
        return self.pool.of(MODEL)

    def asked(self) -> list[int]:
        """How many calls each server has had."""
        return [len(server.prompts) for server in self.servers.values()]

    def calls(self) -> dict[tuple[str, str], float]:
        """Return what was counted, by server and outcome."""
        return {
            (sample.labels["server"], sample.labels["outcome"]): sample.value
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "alchemorsel_ai_ollama_server_calls_total"
        }


@asynccontextmanager
async def inspected(site: Site) -> AsyncIterator[Site]:
    """Have the pool know its servers, and end it after the test."""
    await site.model.inspect()
    yield site
    await site.pool.stop()


async def settle() -> None:
    """Let everything that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)
