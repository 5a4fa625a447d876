"""One Ollama server of the pool, and each model on it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ai_service.providers.errors import ModelMissing, ProviderError, ProviderTimeout
from ai_service.resilience.circuit_breaker import CircuitBreaker
from ai_service.resilience.pool.report import ServerHealth, ServerModelHealth

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ai_service.config.ollama_servers import ServerEntry
    from ai_service.providers.base import Inspection, Provider

COOLDOWN_S = 5.0
MAX_COOLDOWN_S = 60.0
"""A server rests so long after a failure, twice as long after each trial that fails, and at most so long."""
PROVEN_S = 60.0
"""For so long after some text a model's server is taken to work; before and after it gets one call at a time."""


class Moved(ProviderError):  # noqa: N818 - as the other errors of providers
    """The call leaves a server on which another call waits longer without any text."""

    outcome = "moved"
    trips = False


class Lease:
    """One call on a server.

    Attributes:
        heard: Whether some text has come.
        moved: Whether it was told to leave.
    """

    def __init__(self, began: float) -> None:
        self.began = began
        self.heard = False
        self.moved = False
        self.timeout: asyncio.Timeout | None = None

    def move(self) -> None:
        """Have the call leave its server."""
        if self.timeout is not None and not self.heard:
            self.moved = True
            self.timeout.reschedule(0.0)  # Long over.


class ServedModel:
    """A model on a server: what was seen of it, and its calls.

    Args:
        server: The server.
        provider: Its adapter.
        clock: Monotonic seconds.

    Attributes:
        inspection: The last one that succeeded; None before.
        differs: Whether its digest is not the one that is used.
        error: Why the last inspection failed; None where it did not.
        used: When it was last sent a call.
    """

    def __init__(self, server: Server, provider: Provider, clock: Callable[[], float]) -> None:
        self.server = server
        self.provider = provider
        self.inspection: Inspection | None = None
        self.differs = False
        self.error: ProviderError | None = None
        self.used = 0.0
        self.leases: list[Lease] = []
        self._clock = clock
        self._proven_until = 0.0

    @property
    def digest(self) -> str:
        """The digest that was last seen; "" before, and where the server lacks the model."""
        return self.inspection.digest if self.inspection else ""

    @property
    def lacks_model(self) -> bool:
        """Whether the server was seen, and does not list the model."""
        return self.inspection is not None and not self.inspection.digest

    @property
    def problem(self) -> str:
        """Why it is not asked for the model, in a word; "" where it is."""
        if self.differs:
            return "digest_differs"
        if self.error is not None:
            return self.error.outcome
        if self.inspection is None:
            return "not looked at yet"
        return ModelMissing.outcome if self.lacks_model else ""

    @property
    def resident(self) -> bool:
        """Whether the model was in memory at the last look, or has written since."""
        return self.is_proven or bool(self.inspection and self.inspection.loaded)

    @property
    def is_proven(self) -> bool:
        """Whether it wrote something lately."""
        return self._proven_until > self._clock()

    @property
    def silent(self) -> list[Lease]:
        """The calls that have no text yet, the oldest first."""
        return [lease for lease in self.leases if not lease.heard]

    def room(self, *, alone: bool) -> int:
        """Return the calls that it takes at a time: one before it is proven, where another server could take the rest.

        A server that hangs then holds no more than one caller.
        """
        return self.server.slots if alone or self.is_proven else 1

    def prove(self) -> None:
        """Note that it wrote something."""
        self._proven_until = self._clock() + PROVEN_S

    def doubt(self) -> None:
        """Forget that it wrote something."""
        self._proven_until = 0.0

    @asynccontextmanager
    async def lease(self, share_s: float | None) -> AsyncIterator[Lease]:
        """Hold one of its slots for a call.

        Args:
            share_s: Longest silence before the first text; None leaves that to the provider.

        Raises:
            ProviderTimeout: That passed.
            Moved: The call was told to leave.
        """
        lease = Lease(self._clock())
        self.used = lease.began
        self.leases.append(lease)
        try:
            async with asyncio.timeout(share_s) as timeout:
                if share_s is not None:
                    lease.timeout = timeout
                yield lease
        except TimeoutError:
            if not timeout.expired():
                raise
            if lease.moved:
                raise Moved(f"moved away from {self.server.url}, which is silent") from None
            raise ProviderTimeout(f"{self.server.url}: no text within its share of {share_s:.3g} s") from None
        finally:
            self.leases.remove(lease)
            self.server.end_call()

    def hear(self, lease: Lease) -> None:
        """Note the first text of a call: from now on it stays, and the provider's own deadlines apply."""
        lease.heard = True
        if lease.timeout is not None and not lease.timeout.expired():
            lease.timeout.reschedule(None)
        self.prove()


class Server:
    """One address of an entry of the list.

    Args:
        url: Its base URL.
        entry: The entry.
        default_slots: Slots of an entry that names none.
        clock: Monotonic seconds.
        on_change: Called when its breaker changes, with the new state.

    Attributes:
        models: The service's models that are asked of it, by name.
        failed: The model whose call failed last, and whether it was a call for embeddings.
        problem: Why it rests; "" where it does not.
    """

    def __init__(
        self,
        url: str,
        entry: ServerEntry,
        *,
        default_slots: int,
        clock: Callable[[], float],
        on_change: Callable[[Server, str], None],
    ) -> None:
        self.url = url
        self.entry = entry
        self.models: dict[str, ServedModel] = {}
        self.failed: tuple[str, bool] = ("", False)
        self.problem = ""
        self._default_slots = default_slots
        self._cooldown_s = COOLDOWN_S
        self._retired: asyncio.Event | None = None
        self.breaker = CircuitBreaker(on_change=lambda state: on_change(self, state), clock=clock)

    @property
    def slots(self) -> int:
        """Requests that one of its models works on at a time."""
        return self.entry.slots or self._default_slots

    @property
    def is_ready(self) -> bool:
        """Whether the list has it take calls."""
        return self.entry.state == "ready"

    @property
    def rests(self) -> bool:
        """Whether it is left alone after a failure."""
        return self.breaker.state != "closed"

    @property
    def running(self) -> int:
        """Calls under way."""
        return sum(len(served.leases) for served in self.models.values())

    def fail(self, error: ProviderError, *, at_once: bool) -> None:
        """Count a failure.

        Args:
            error: What happened.
            at_once: Whether it rests from now on; else from the third one in a row.
        """
        self.problem = error.outcome
        cool_off_s = error.cool_off_s
        if at_once and cool_off_s is None:
            cool_off_s = self._cooldown_s
            self._cooldown_s = min(MAX_COOLDOWN_S, 2 * self._cooldown_s)
        self.breaker.fail(cool_off_s)
        for served in self.models.values():
            served.doubt()

    def succeed(self) -> None:
        """Note that it works."""
        self.problem = ""
        self._cooldown_s = COOLDOWN_S
        self.breaker.succeed()

    def end_call(self) -> None:
        """Note that a call has ended."""
        if self._retired is not None and not self.running:
            self._retired.set()

    async def retire(self) -> None:
        """Close it once its calls have ended."""
        if self.running:
            self._retired = asyncio.Event()
            await self._retired.wait()
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        for served in self.models.values():
            await served.provider.close()

    def report(self) -> ServerHealth:
        """Return its state."""
        return ServerHealth(
            url=self.url,
            entry=self.entry.url,
            state=self.entry.state,
            breaker=self.breaker.state,
            problem=self.problem,
            slots=self.slots,
            running=self.running,
            weight=self.entry.weight,
            models=[
                ServerModelHealth(
                    name=name,
                    digest=served.digest,
                    resident=served.inspection.loaded if served.inspection else None,
                    running=len(served.leases),
                    problem=served.problem,
                )
                for name, served in self.models.items()
                if self.entry.serves(name)
            ],
        )
