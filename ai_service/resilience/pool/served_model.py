"""A model on one Ollama server, and its calls there."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ai_service.providers.errors import ModelMissing, ProviderError, ProviderTimeout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ai_service.providers.base import Inspection, Provider
    from ai_service.resilience.pool.server import Server

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
