"""One Ollama server of the pool."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ai_service.resilience.circuit_breaker import CircuitBreaker
from ai_service.resilience.pool.report import ServerHealth, ServerModelHealth

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.config.ollama_servers import ServerEntry
    from ai_service.providers.errors import ProviderError
    from ai_service.resilience.pool.served_model import ServedModel

COOLDOWN_S = 5.0
MAX_COOLDOWN_S = 60.0
"""A server rests so long after a failure, twice as long after each trial that fails, and at most so long."""


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
