"""The servers of one model, as one provider."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ai_service.errors import HTTPError
from ai_service.providers.base import Completion, Inspection, ignore
from ai_service.providers.errors import (
    ConnectionBroken,
    CredentialsRejected,
    InvalidAnswer,
    ModelMissing,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderTimeout,
    ProviderUnreachable,
    RequestRejected,
)
from ai_service.resilience.pool.digests import choose_digest, digest_problem
from ai_service.resilience.pool.report import PoolProblem
from ai_service.resilience.pool.server import Moved

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ai_service.providers.base import Prompt, Provider
    from ai_service.providers.embedding import Embedding
    from ai_service.resilience.pool.server import Lease, ServedModel

SLOW_FACTOR = 3.0
"""A server's share is at least so many times the slowest first text of late: slow is not silent."""
SUSPECT_FACTOR = 4.0
SUSPECT_S = 1.0
"""After so many times that, and at least so long without text, all calls but the oldest leave a server."""
FORGET = 0.95
"""How much of the slowest first text is remembered with each further one."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


class NoServer(ProviderError):  # noqa: N818 - as the other errors of providers
    """No server can be asked for the model now."""

    outcome = "no_server"
    trips = False


class DigestMismatch(ProviderFailed):
    """Every server that has the model has another one under its name."""

    outcome = "digest_mismatch"


class ModelPool:
    """Sends each call to the server that has the model in memory, then to the one with more free slots, then by weight.

    A server that is silent before any text, or gone, is passed over and rests; the call goes to the next one. Of
    several calls on a silent server all but the oldest leave it. Once text has come, a call stays.

    Args:
        model: The model.
        timeout_s: Longest silence before the first text; each server's share is a part of it.
        load_timeout_s: The same for loading the model.
        clock: Monotonic seconds.

    Attributes:
        servers: The servers that are asked for the model, drained ones among them.
        expected_digest: What the configuration says; "" for nothing.
        problem: What an operator has to correct; None for nothing.
        on_change: Called whenever its free slots may have changed.
    """

    name = "ollama"
    synthetic = False

    def __init__(
        self, model: str, *, timeout_s: float, load_timeout_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.model = model
        self.servers: list[ServedModel] = []
        self.expected_digest = ""
        self.problem: PoolProblem | None = None
        self.on_change: Callable[[], None] = lambda: None
        self.on_outcome: Callable[[ServedModel, str], None] = lambda _served, _outcome: None
        self._timeout_s = timeout_s
        self._load_timeout_s = load_timeout_s
        self._clock = clock
        self._digest = ""
        self._first_text_s = 0.0
        self._changed = asyncio.Event()

    @property
    def context_tokens(self) -> int:
        """See Provider: what fits on any of the servers."""
        return min((served.provider.context_tokens for served in self._serving), default=0)

    @property
    def room(self) -> int:
        """Calls that may be under way at a time; one where no server can be asked, since it fails at once."""
        alone = self.is_alone
        return max(1, sum(served.room(alone=alone) for served in self._fit()))

    @property
    def is_alone(self) -> bool:
        """Whether one server has the model, as far as is known: then no other could take its calls."""
        return len(self._possible) == 1

    async def complete(
        self, prompt: Prompt, on_text: Callable[[str], None] = ignore, on_reasoning: Callable[[str], None] = ignore
    ) -> Completion:
        """See Provider."""

        async def ask(provider: Provider, hear: Callable[[], None]) -> Completion:
            def write(text: str) -> None:
                if text:
                    hear()
                on_text(text)

            def reason(text: str) -> None:
                if text:
                    hear()
                on_reasoning(text)

            return await provider.complete(prompt, write, reason)

        return await self._call(ask, has_callers_format=prompt.has_callers_format)

    async def embed(self, texts: Sequence[str], *, dimensions: int | None, truncates: bool) -> Embedding:
        """See Provider."""

        async def ask(provider: Provider, _hear: Callable[[], None]) -> Embedding:
            return await provider.embed(texts, dimensions=dimensions, truncates=truncates)

        return await self._call(ask, embeds=True)

    async def inspect(self) -> Inspection:
        """See Provider: loaded only where it is so on every server that can be asked."""
        await asyncio.gather(*map(self.look, self.servers))
        self._choose_digest()
        self.changed()
        seen = [served.inspection for served in self._fit() if served.inspection and served.error is None]
        if has := [each for each in seen if each.digest]:
            return msgspec.structs.replace(has[0], loaded=all(each.loaded for each in has))
        errors = [served.error for served in self._serving if served.error is not None]
        if seen and not errors:
            return seen[0]
        raise errors[0] if self.is_alone and errors else self._refusal()

    async def close(self) -> None:
        """See Provider; the pool closes its servers."""

    def changed(self) -> None:
        """Wake the calls that wait for a free slot."""
        self._changed.set()
        self._changed = asyncio.Event()
        self.on_change()

    @property
    def _serving(self) -> list[ServedModel]:
        return [served for served in self.servers if served.server.is_ready]

    @property
    def _possible(self) -> list[ServedModel]:
        """The servers that may have the model: those that were not seen without it; all where there is no such."""
        right = [served for served in self._serving if not served.differs]
        return [served for served in right if not served.lacks_model] or right

    def _fit(self) -> list[ServedModel]:
        """Return the servers that a call may go to; before any was seen, all of those that do not rest."""
        possible = self._possible
        if len(possible) == 1:
            return possible
        anybody_seen = any(served.inspection for served in self._serving)
        return [served for served in possible if not served.server.rests and (served.inspection or not anybody_seen)]

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
                async with served.lease(self._share_s(left, cold=cold)) as lease:
                    suspicion = self._suspect_later(served, left)
                    self.changed()
                    answer = await ask(served.provider, lambda: self._hear(served, lease, cold=cold))  # noqa: B023
            except Moved as error:
                outcome, missed = error.outcome, missed or error
            except ProviderError as error:
                outcome = error.outcome
                is_formats = has_callers_format and _may_be_of_the_format(error, missed)
                self._note(served, error, embeds=embeds, spared=is_formats)
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
                self._learn(self._clock() - started if lease is not None and not lease.heard and not cold else 0.0)
                served.prove()
                return answer
            finally:
                if suspicion is not None:
                    suspicion.cancel()
                self.on_outcome(served, outcome)
                self.changed()

    def _note(self, served: ServedModel, error: ProviderError, *, embeds: bool, spared: bool) -> None:
        """Count what happened against the server, where it says something of it."""
        server = served.server
        if isinstance(error, (InvalidAnswer, RequestRejected)):
            server.succeed()
        elif isinstance(error, ModelMissing):
            if not self.is_alone:
                served.inspection = Inspection("")
        elif not spared and error.trips:
            outage = isinstance(error, (ProviderUnreachable, ProviderTimeout, ProviderOverloaded, CredentialsRejected))
            at_once = outage and any(other is not served for other in self._fit())
            server.failed = (self.model, embeds)
            if not server.rests:
                logger.warning("%s is passed over for %s: %s", server.url, self.model, error)
            server.fail(error, at_once=at_once)

    async def _free_server(self, tried: Sequence[ServedModel], missed: ProviderError | None) -> tuple[ServedModel, int]:
        """Return the best server with a free slot, once there is one, and how many could be asked.

        Raises:
            ProviderError: There is no other server; why the one before failed, or why there is none.
        """
        while True:
            fit = [served for served in self._fit() if served not in tried]
            if not fit:
                raise missed or self._refusal()
            alone = self.is_alone
            free = {served: served.room(alone=alone) - len(served.leases) for served in fit}
            if best := max((served for served in fit if free[served] > 0), key=lambda s: (
                s.resident, free[s], s.server.entry.weight, -s.used
            ), default=None):  # fmt: skip
                return best, len(fit)
            await self._changed.wait()

    def _share_s(self, left: int, *, cold: bool) -> float | None:
        """Return how long a server may be silent before the next one is asked; None for the last one."""
        if left == 1:
            return None
        whole = self._timeout_s + (self._load_timeout_s if cold else 0.0)
        return min(whole, max(whole / left, SLOW_FACTOR * self._first_text_s))

    def _suspect_later(self, served: ServedModel, left: int) -> asyncio.TimerHandle | None:
        """Have all calls but the oldest leave the server, should there be no text for long."""
        if left == 1:
            return None
        after = max(SUSPECT_S, SUSPECT_FACTOR * self._first_text_s)

        def suspect() -> None:
            if not any(other.room(alone=False) > len(other.leases) for other in self._fit() if other is not served):
                return
            served.doubt()
            for lease in served.silent[1:]:
                lease.move()

        return asyncio.get_running_loop().call_later(after, suspect)

    def _hear(self, served: ServedModel, lease: Lease, *, cold: bool) -> None:
        if lease.heard:
            return
        served.hear(lease)
        self._learn(0.0 if cold else self._clock() - lease.began)
        self.changed()

    def _learn(self, seconds: float) -> None:
        self._first_text_s = max(seconds, FORGET * self._first_text_s)

    async def look(self, served: ServedModel) -> None:
        """Inspect the model on one server; one that cannot be asked rests, where another can."""
        try:
            served.inspection, served.error = await served.provider.inspect(), None
        except ProviderError as error:
            served.error = error
            if not self.is_alone and served.server.is_ready and not served.server.rests:
                self._note(served, error, embeds=False, spared=False)

    def _choose_digest(self) -> None:
        """Decide which digest the model has, and which servers have another one."""
        seen = [served for served in self._serving if served.digest]
        self._digest = choose_digest(seen, expected=self.expected_digest, current=self._digest)
        for served in self.servers:
            served.differs = bool(served.digest) and served.digest != self._digest
        before = self.problem
        self.problem = digest_problem(self.model, seen, expected=self.expected_digest, chosen=self._digest)
        if self.problem is None and not self._serving:
            self.problem = no_server(self.model)
        if self.problem is not None and self.problem != before:
            logger.error("%s (%s): %s", self.problem.subject, self.problem.problem, self.problem.detail)

    def _refusal(self) -> ProviderError:
        """Return why no server can be asked."""
        serving = self._serving
        if not serving:
            return NoServer(f"no server takes requests for {self.model}")
        if any(served.differs for served in serving) and all(served.differs or not served.digest for served in serving):
            return DigestMismatch(f"every server has another model under the name {self.model}")
        if all(served.lacks_model for served in serving):
            return ModelMissing(f"no server lists the model {self.model}")
        reasons = [served.server.problem or served.problem for served in serving]
        error = ProviderTimeout if ProviderTimeout.outcome in reasons else ProviderUnreachable
        return error(f"no server can be asked for {self.model}: {', '.join(filter(None, reasons))}")


def no_server(model: str) -> PoolProblem:
    """Return the problem of a model that no server takes requests for."""
    return PoolProblem("no_server", model, f"no server takes requests for {model}: all are drained, or none has it")


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
