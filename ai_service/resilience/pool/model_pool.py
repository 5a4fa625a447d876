"""The servers of one model, as one provider."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

from ai_service.errors import HTTPError
from ai_service.providers.base import Completion, ignore
from ai_service.providers.errors import (
    ConnectionBroken,
    CredentialsRejected,
    InvalidAnswer,
    ModelMissing,
    ProviderError,
    ProviderOverloaded,
    ProviderTimeout,
    ProviderUnreachable,
    RequestRejected,
)
from ai_service.providers.first_text import FirstText
from ai_service.resilience.pool.served_model import Moved

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ai_service.providers.base import Inspection, Prompt, Provider
    from ai_service.providers.embedding import Embedding
    from ai_service.resilience.pool.model_servers import ModelServers
    from ai_service.resilience.pool.served_model import Lease, ServedModel
    from ai_service.resilience.pool.silence import SilenceLimits

T = TypeVar("T")


class ModelPool:
    """Sends each call to the server that has the model in memory, then to the one with more free slots, then by weight.

    A server that is silent before any text, or gone, is passed over and rests; the call goes to the next one. Of
    several calls on a silent server all but the oldest leave it. Once text has come, a call stays.

    Args:
        servers: The servers that are asked for the model.
        silence: How long they may be silent.
        clock: Monotonic seconds.

    Attributes:
        servers: See above.
        on_change: Called whenever its free slots may have changed.
    """

    name = "ollama"
    synthetic = False

    def __init__(
        self, servers: ModelServers, silence: SilenceLimits, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.model = servers.model
        self.servers = servers
        self.on_change: Callable[[], None] = lambda: None
        self.on_outcome: Callable[[ServedModel, str], None] = lambda _served, _outcome: None
        self._silence = silence
        self._clock = clock
        self._changed = asyncio.Event()

    @property
    def context_tokens(self) -> int:
        """See Provider: what fits on any of the servers."""
        return min((served.provider.context_tokens for served in self.servers.serving), default=0)

    @property
    def room(self) -> int:
        """Calls that may be under way at a time; one where no server can be asked, since it fails at once."""
        alone = self.servers.is_alone
        return max(1, sum(served.room(alone=alone) for served in self.servers.fit()))

    async def complete(
        self, prompt: Prompt, on_text: Callable[[str], None] = ignore, on_reasoning: Callable[[str], None] = ignore
    ) -> Completion:
        """See Provider."""

        async def ask(provider: Provider, hear: Callable[[], None]) -> Completion:
            first_text = FirstText(hear)
            return await provider.complete(prompt, first_text.through(on_text), first_text.through(on_reasoning))

        return await self._call(ask, has_callers_format=prompt.has_callers_format)

    async def embed(self, texts: Sequence[str], *, dimensions: int | None, truncates: bool) -> Embedding:
        """See Provider."""

        async def ask(provider: Provider, _hear: Callable[[], None]) -> Embedding:
            return await provider.embed(texts, dimensions=dimensions, truncates=truncates)

        return await self._call(ask, embeds=True)

    async def inspect(self) -> Inspection:
        """See Provider: loaded only where it is so on every server that can be asked."""
        await self.servers.inspect()
        self.changed()
        return self.servers.inspection()

    async def close(self) -> None:
        """See Provider; the pool closes its servers."""

    def changed(self) -> None:
        """Wake the calls that wait for a free slot."""
        self._changed.set()
        self._changed = asyncio.Event()
        self.on_change()

    async def _call(
        self,
        ask: Callable[[Provider, Callable[[], None]], Awaitable[T]],
        *,
        has_callers_format: bool = False,
        embeds: bool = False,
    ) -> T:
        tried: list[ServedModel] = []
        missed: ProviderError | None = None
        while True:
            served, left = await self._free_server(tried, missed)
            tried.append(served)
            lease: Lease | None = None
            outcome = "failed"
            started = self._clock()
            cold = not served.resident
            suspicion = None
            try:
                async with served.lease(self._silence.share_s(left, cold=cold)) as lease:
                    suspicion = self._suspect_later(served, left)
                    self.changed()
                    answer = await ask(served.provider, lambda: self._hear(served, lease, cold=cold))  # noqa: B023
            except Moved as error:
                outcome, missed = error.outcome, missed or error
            except ProviderError as error:
                outcome = error.outcome
                is_formats = has_callers_format and _may_be_of_the_format(error, missed)
                self.servers.count_failure(served, error, embeds=embeds, spared=is_formats)
                heard = lease is not None and lease.heard
                if is_formats or heard or isinstance(error, (InvalidAnswer, RequestRejected)):
                    raise
                missed = error
            except asyncio.CancelledError:
                outcome = "cancelled"
                raise
            except HTTPError:
                outcome = "rejected"
                served.server.succeed()
                raise
            else:
                outcome = "ok"
                served.server.succeed()
                is_first = lease is not None and not lease.heard and not cold
                self._silence.learn(self._clock() - started if is_first else 0.0)
                served.prove()
                return answer
            finally:
                if suspicion is not None:
                    suspicion.cancel()
                self.on_outcome(served, outcome)
                self.changed()

    async def _free_server(self, tried: Sequence[ServedModel], missed: ProviderError | None) -> tuple[ServedModel, int]:
        """Return the best server with a free slot, once there is one, and how many could be asked.

        Raises:
            ProviderError: There is no other server; why the one before failed, or why there is none.
        """
        while True:
            fit = [served for served in self.servers.fit() if served not in tried]
            if not fit:
                raise missed or self.servers.refusal()
            alone = self.servers.is_alone
            free = {served: served.room(alone=alone) - len(served.leases) for served in fit}
            if best := max((served for served in fit if free[served] > 0), key=lambda s: (
                s.resident, free[s], s.server.entry.weight, -s.used
            ), default=None):  # fmt: skip
                return best, len(fit)
            await self._changed.wait()

    def _suspect_later(self, served: ServedModel, left: int) -> asyncio.TimerHandle | None:
        """Have all calls but the oldest leave the server, should there be no text for long."""
        if left == 1:
            return None

        def suspect() -> None:
            others = (other for other in self.servers.fit() if other is not served)
            if not any(other.room(alone=False) > len(other.leases) for other in others):
                return
            served.doubt()
            for lease in served.silent[1:]:
                lease.move()

        return asyncio.get_running_loop().call_later(self._silence.suspicion_s, suspect)

    def _hear(self, served: ServedModel, lease: Lease, *, cold: bool) -> None:
        """Note the first text of a call."""
        served.hear(lease)
        self._silence.learn(0.0 if cold else self._clock() - lease.began)
        self.changed()


def _may_be_of_the_format(error: ProviderError, missed: ProviderError | None) -> bool:
    """Return whether the caller's own format may be what a server failed at: it is not tried on the next one then.

    Args:
        error: What happened.
        missed: What happened on the server before.
    """
    if isinstance(error, ProviderTimeout):
        return isinstance(missed, ProviderTimeout)
    outages = (ProviderUnreachable, ProviderOverloaded, ModelMissing, CredentialsRejected)
    return isinstance(error, ConnectionBroken) or not isinstance(error, outages)
