"""The pool: the servers that the list stands for now, and a trial of those that rest."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from ai_service.errors import HTTPError
from ai_service.observability.metrics import BREAKER_STATES
from ai_service.process.background_tasks import BackgroundTasks
from ai_service.process.periodic import Periodic
from ai_service.providers.base import Prompt
from ai_service.providers.errors import InvalidAnswer, ProviderError, RequestRejected
from ai_service.resilience.pool.addresses import AddressLookup
from ai_service.resilience.pool.model_pool import ModelPool
from ai_service.resilience.pool.model_servers import ModelServers
from ai_service.resilience.pool.served_model import ServedModel
from ai_service.resilience.pool.server import Server
from ai_service.resilience.pool.silence import SilenceLimits
from ai_service.resilience.pool.watched_list import WatchedList
from ai_service.schemas import IngredientsRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ai_service.config.ollama_servers import ServerEntry, ServerSource
    from ai_service.observability.metrics import Metrics
    from ai_service.providers.base import Provider
    from ai_service.resilience.pool.report import PoolProblem, ServerHealth

LOOK_S = 1.0
TRIAL = Prompt(
    task="trial",
    messages=({"role": "user", "content": "Hi"},),
    schema=None,
    max_tokens=1,
    request=IngredientsRequest(partial=["rice"]),
    options={},
    callers_own=True,
)

logger = logging.getLogger(__name__)


class OllamaPool:
    """All Ollama servers, shared by the models.

    Args:
        source: The list, read again when its file changes. A wrong one changes nothing; the health report says so.
        models: Those that are asked of Ollama.
        make_provider: Returns the adapter of a URL and a model.
        metrics: Where calls are counted by server.
        slots: Slots of an entry that names none.
        timeout_s: Longest silence before the first text.
        load_timeout_s: The same for loading a model.
        addresses: Resolves the names of `dns+http://` entries.
        clock: Monotonic seconds.

    Attributes:
        servers: By URL.
    """

    def __init__(
        self,
        source: ServerSource,
        models: Sequence[str],
        make_provider: Callable[[str, str], Provider],
        metrics: Metrics,
        *,
        slots: int,
        timeout_s: float,
        load_timeout_s: float,
        addresses: AddressLookup | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.servers: dict[str, Server] = {}
        self._make_provider = make_provider
        self._metrics = metrics
        self._slots = slots
        self._clock = clock
        self._models = {
            model: ModelPool(
                ModelServers(model), SilenceLimits(timeout_s=timeout_s, load_timeout_s=load_timeout_s), clock=clock
            )
            for model in models
        }
        for pool in self._models.values():
            pool.on_outcome = lambda served, outcome: metrics.server_call(served.server.entry.url, outcome)
        self._list = WatchedList(source, models, addresses or AddressLookup(), clock=clock)
        self._background = BackgroundTasks()
        self._trials: set[Server] = set()
        self._looking = Periodic("looking at the list of Ollama servers", self.look, LOOK_S)
        self._apply()

    def of(self, model: str) -> ModelPool:
        """Return the servers of a model."""
        return self._models[model]

    def expected_digest(self, model: str) -> str:
        """Return the digest that the configuration expects of a model; "" for any."""
        return self._list.current.digest_of(model)

    @property
    def problems(self) -> list[PoolProblem]:
        """What an operator has to correct."""
        of_models = (pool.servers.problem for pool in self._models.values())
        return [*self._list.problems, *filter(None, of_models)]

    async def start(self) -> None:
        """Resolve names; then look at file, names and resting servers in the background."""
        await self._looking.once()
        self._looking.start()

    async def stop(self) -> None:
        """End the looking, trials, and all connections."""
        await self._looking.stop()
        await self._background.end()
        await asyncio.gather(*(server.close() for server in self.servers.values()))

    async def look(self) -> None:
        """Read the list where its file changed, resolve names that are due, and begin the trials that are due."""
        if await self._list.refresh():
            self._apply()
            await asyncio.gather(*map(self._inspect, self._models.values()))
        for server in self.servers.values():
            if server.rests and server not in self._trials and server.breaker.due_in_s <= 0 and self._has_peer(server):
                self._trials.add(server)
                self._background.start(self._try(server))
        for pool in self._models.values():
            pool.changed()
        self._show()

    def report(self) -> list[ServerHealth]:
        """Return the state of each server."""
        return [server.report() for server in self.servers.values()]

    def _apply(self) -> None:
        """Have the servers that the list and its names stand for."""
        wanted = self._list.addresses()
        for url in self.servers.keys() - wanted.keys():
            logger.warning("%s is no longer a server", url)
            self._background.start(self.servers.pop(url).retire())
        for url, entry in wanted.items():
            self._apply_entry(url, entry)
        for name, pool in self._models.items():
            pool.servers.expected_digest = self._list.current.digest_of(name)
            pool.servers.listed = [server.models[name] for server in self.servers.values() if server.entry.serves(name)]
        self._show()

    def _apply_entry(self, url: str, entry: ServerEntry) -> None:
        server = self.servers.get(url)
        if server is None:
            server = self.servers[url] = Server(
                url, entry, default_slots=self._slots, clock=self._clock, on_change=self._breaker_changed
            )
        elif server.entry.state != entry.state:
            logger.warning("%s: %s", url, {"drain": "drained", "ready": "takes calls again"}[entry.state])
        server.entry = entry
        for model in self._models:
            if entry.serves(model) and model not in server.models:
                server.models[model] = ServedModel(server, self._make_provider(url, model), self._clock)

    @staticmethod
    async def _inspect(pool: ModelPool) -> None:
        """Look at a changed list at once, instead of with the next look of the health report."""
        try:
            await pool.inspect()
        except ProviderError as error:
            logger.debug("inspecting %s: %s", pool.model, error)

    def _has_peer(self, server: Server) -> bool:
        """Return whether another server could take a model's calls; else a caller's own call is the trial."""
        failed = self._models.get(server.failed[0])
        return failed is not None and server.entry.serves(failed.model) and not failed.servers.is_alone

    async def _try(self, server: Server) -> None:
        """Ask a server that rests for one token; it takes calls again once it writes."""
        model, embeds = server.failed
        pool, served = self._models[model], server.models[model]
        try:
            with server.breaker.guard():
                await self._ask_little(pool, served, embeds=embeds)
        except (InvalidAnswer, RequestRejected, HTTPError):
            server.succeed()
        except ProviderError as error:
            server.fail(error, at_once=True)
        else:
            logger.warning("%s is back", server.url)
            server.succeed()
            served.prove()
        finally:
            self._trials.discard(server)
            for each in self._models.values():
                each.changed()

    @staticmethod
    async def _ask_little(pool: ModelPool, served: ServedModel, *, embeds: bool) -> None:
        await pool.servers.look(served)
        if served.error is not None:
            raise served.error
        if served.lacks_model or served.differs:
            return
        async with served.lease(None):
            if embeds:
                await served.provider.embed(["a"], dimensions=None, truncates=False)
            else:
                await served.provider.complete(TRIAL)

    def _breaker_changed(self, server: Server, state: str) -> None:
        logger.warning("circuit breaker of %s: %s", server.url, state)
        self._show()

    def _show(self) -> None:
        """Set the gauges of each entry of the list: a name's are the sums over its addresses, and its worst breaker."""
        for entry in self._list.current.servers:
            servers = [server for server in self.servers.values() if server.entry.url == entry.url]
            self._metrics.server_state(
                entry.url,
                slots=sum(server.slots for server in servers if server.is_ready),
                running=sum(server.running for server in servers),
                breaker=max(
                    (server.breaker.state for server in servers), key=BREAKER_STATES.__getitem__, default="closed"
                ),
            )
