"""The servers of one model: which of them may be asked, and why not the others."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec

from ai_service.providers.base import Inspection
from ai_service.providers.errors import (
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

if TYPE_CHECKING:
    from ai_service.resilience.pool.served_model import ServedModel

logger = logging.getLogger("ai_service.resilience.pool.model_pool")


class NoServer(ProviderError):  # noqa: N818 - as the other errors of providers
    """No server can be asked for the model now."""

    outcome = "no_server"
    trips = False


class DigestMismatch(ProviderFailed):
    """Every server that has the model has another one under its name."""

    outcome = "digest_mismatch"


class ModelServers:
    """Know the servers of a model by what was seen of them.

    Args:
        model: The model.

    Attributes:
        listed: The servers that are asked for the model, drained ones among them.
        expected_digest: What the configuration says; "" for nothing.
        problem: What an operator has to correct; None for nothing.
    """

    def __init__(self, model: str) -> None:
        self.model = model
        self.listed: list[ServedModel] = []
        self.expected_digest = ""
        self.problem: PoolProblem | None = None
        self._digest = ""

    @property
    def is_alone(self) -> bool:
        """Whether one server has the model, as far as is known: then no other could take its calls."""
        return len(self._possible) == 1

    @property
    def serving(self) -> list[ServedModel]:
        """The servers that take calls by the list."""
        return [served for served in self.listed if served.server.is_ready]

    @property
    def _possible(self) -> list[ServedModel]:
        """The servers that may have the model: those that were not seen without it; all where there is no such."""
        right = [served for served in self.serving if not served.differs]
        return [served for served in right if not served.lacks_model] or right

    def fit(self) -> list[ServedModel]:
        """Return the servers that a call may go to; before any was seen, all of those that do not rest."""
        possible = self._possible
        if len(possible) == 1:
            return possible
        anybody_seen = any(served.inspection for served in self.serving)
        return [served for served in possible if not served.server.rests and (served.inspection or not anybody_seen)]

    async def inspect(self) -> None:
        """Inspect the model on every server, and decide which digest it has."""
        await asyncio.gather(*map(self.look, self.listed))
        self._choose_digest()

    def inspection(self) -> Inspection:
        """Return what was seen: loaded only where it is so on every server that can be asked.

        Raises:
            ProviderError: No server can be asked.
        """
        seen = [served.inspection for served in self.fit() if served.inspection and served.error is None]
        if has := [each for each in seen if each.digest]:
            return msgspec.structs.replace(has[0], loaded=all(each.loaded for each in has))
        errors = [served.error for served in self.serving if served.error is not None]
        if seen and not errors:
            return seen[0]
        raise errors[0] if self.is_alone and errors else self.refusal()

    async def look(self, served: ServedModel) -> None:
        """Inspect the model on one server; one that cannot be asked rests, where another can."""
        try:
            served.inspection, served.error = await served.provider.inspect(), None
        except ProviderError as error:
            served.error = error
            if not self.is_alone and served.server.is_ready and not served.server.rests:
                self.count_failure(served, error, embeds=False, spared=False)

    def count_failure(self, served: ServedModel, error: ProviderError, *, embeds: bool, spared: bool) -> None:
        """Count what happened against the server, where it says something of it.

        Args:
            served: The model on the server.
            error: What happened.
            embeds: Whether the call was for embeddings.
            spared: Whether the error may be the request's own.
        """
        server = served.server
        if isinstance(error, (InvalidAnswer, RequestRejected)):
            server.succeed()
        elif isinstance(error, ModelMissing):
            if not self.is_alone:
                served.inspection = Inspection("")
        elif not spared and error.trips:
            outage = isinstance(error, (ProviderUnreachable, ProviderTimeout, ProviderOverloaded, CredentialsRejected))
            at_once = outage and any(other is not served for other in self.fit())
            server.failed = (self.model, embeds)
            if not server.rests:
                logger.warning("%s is passed over for %s: %s", server.url, self.model, error)
            server.fail(error, at_once=at_once)

    def refusal(self) -> ProviderError:
        """Return why no server can be asked."""
        serving = self.serving
        if not serving:
            return NoServer(f"no server takes requests for {self.model}")
        if any(served.differs for served in serving) and all(served.differs or not served.digest for served in serving):
            return DigestMismatch(f"every server has another model under the name {self.model}")
        if all(served.lacks_model for served in serving):
            return ModelMissing(f"no server lists the model {self.model}")
        reasons = [served.server.problem or served.problem for served in serving]
        error = ProviderTimeout if ProviderTimeout.outcome in reasons else ProviderUnreachable
        return error(f"no server can be asked for {self.model}: {', '.join(filter(None, reasons))}")

    def _choose_digest(self) -> None:
        """Decide which digest the model has, and which servers have another one."""
        seen = [served for served in self.serving if served.digest]
        self._digest = choose_digest(seen, expected=self.expected_digest, current=self._digest)
        for served in self.listed:
            served.differs = bool(served.digest) and served.digest != self._digest
        before = self.problem
        self.problem = digest_problem(self.model, seen, expected=self.expected_digest, chosen=self._digest)
        if self.problem is None and not self.serving:
            self.problem = no_server(self.model)
        if self.problem is not None and self.problem != before:
            logger.error("%s (%s): %s", self.problem.subject, self.problem.problem, self.problem.detail)


def no_server(model: str) -> PoolProblem:
    """Return the problem of a model that no server takes requests for."""
    return PoolProblem("no_server", model, f"no server takes requests for {model}: all are drained, or none has it")
