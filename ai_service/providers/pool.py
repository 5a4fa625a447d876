"""Several servers that run the same model, as one provider: the machines of a site, or a container for each GPU."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

import msgspec

from ai_service.providers.base import Completion, Inspection, ignore
from ai_service.providers.errors import ConnectionBroken, ModelMissing, ProviderError, ProviderUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ai_service.providers.base import Prompt, Provider
    from ai_service.providers.embedding import Embedding

COOLDOWN_S = 10.0
"""For so long a server that cannot answer is asked last; longer than the time between two looks at all of them."""

logger = logging.getLogger(__name__)


class _Member:
    """One of the servers.

    Args:
        provider: The adapter to it.
        label: Its name in the log.
    """

    def __init__(self, provider: Provider, label: str) -> None:
        self.provider = provider
        self.under_way = 0
        self.rests_until = 0.0
        self.differs = False
        self._label = label
        self._away = False

    def miss(self, error: ProviderError, until: float) -> None:
        """Has it rest; told once."""
        self.rests_until = until
        if not self._away:
            logger.warning("%s is left out: %s", self._label, error)
        self._away = True

    def found(self) -> None:
        """End the server's cooldown, and log its return once."""
        self.rests_until = 0.0
        if self._away:
            logger.info("%s is back", self._label)
        self._away = False

    def compare(self, look: Inspection, digest: str) -> None:
        """Check whether the server's model differs from that of the others, and log a difference once."""
        differs = bool(look.digest) and look.digest != digest
        if differs and not self.differs:
            logger.warning("%s has another model under the same name: not asked", self._label)
        self.differs = differs


class ProviderPool:
    """Sends each call to the server with the fewest under way.

    A server that is not reached, or lacks the model, is asked last for a while, and its call goes to the next one as
    long as nobody has heard any text of it. One that has another model under the same name is not asked at all: its
    answers would be kept as those of the model that the others run.

    Args:
        providers: The servers, of one kind and with one model; the first decides which model that is.
        clock: Monotonic seconds.
    """

    def __init__(self, providers: Sequence[Provider], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = providers[0].name
        self.model = providers[0].model
        self.synthetic = providers[0].synthetic
        self._members = [
            _Member(provider, f"server {number} of {self.name}") for number, provider in enumerate(providers, 1)
        ]
        self._clock = clock

    @property
    def context_tokens(self) -> int:
        """See Provider: what fits on any of the servers."""
        return min(member.provider.context_tokens for member in self._members)

    async def complete(
        self, prompt: Prompt, on_text: Callable[[str], None] = ignore, on_reasoning: Callable[[str], None] = ignore
    ) -> Completion:
        """See Provider."""
        heard = False

        def hear(text: str) -> None:
            nonlocal heard
            heard = True
            on_text(text)

        def hear_reasoning(text: str) -> None:
            nonlocal heard
            heard = True
            on_reasoning(text)

        missed: ProviderError | None = None
        for member in self._in_order():
            member.under_way += 1
            try:
                completion = await member.provider.complete(prompt, hear, hear_reasoning)
            except (ProviderUnreachable, ModelMissing) as error:
                member.miss(error, self._clock() + COOLDOWN_S)
                if heard or (prompt.has_callers_format and isinstance(error, ConnectionBroken)):
                    raise  # A schema that a server dies of is not tried on the next one.
                missed = error
            else:
                member.found()
                return completion
            finally:
                member.under_way -= 1
        raise missed or ProviderUnreachable("none of the servers has the model")

    async def embed(self, texts: Sequence[str], *, dimensions: int | None, truncates: bool) -> Embedding:
        """See Provider."""
        missed: ProviderError | None = None
        for member in self._in_order():
            member.under_way += 1
            try:
                embedding = await member.provider.embed(texts, dimensions=dimensions, truncates=truncates)
            except (ProviderUnreachable, ModelMissing) as error:
                member.miss(error, self._clock() + COOLDOWN_S)
                missed = error
            else:
                member.found()
                return embedding
            finally:
                member.under_way -= 1
        raise missed or ProviderUnreachable("none of the servers has the model")

    async def inspect(self) -> Inspection:
        """See Provider: loaded only where it is so on every server that answers."""
        looks = await asyncio.gather(*(self._look(member) for member in self._members))
        seen = [look for look in looks if isinstance(look, Inspection)]
        if not seen:
            raise next(look for look in looks if isinstance(look, ProviderError))
        first = next((look for look in seen if look.digest), Inspection(""))
        digest = first.digest
        for member, look in zip(self._members, looks, strict=True):
            if isinstance(look, ProviderError):
                member.miss(look, self._clock() + COOLDOWN_S)
            elif look.digest:
                member.found()
                member.compare(look, digest)
        loaded = all(look.loaded for look in seen if look.digest == digest)
        return msgspec.structs.replace(first, loaded=loaded)

    async def close(self) -> None:
        """See Provider."""
        await asyncio.gather(*(member.provider.close() for member in self._members))

    def _in_order(self) -> list[_Member]:
        """Return the servers in the order of use: any with a different model left out, those in cooldown last."""
        now = self._clock()
        fit = [member for member in self._members if not member.differs]
        return sorted(fit, key=lambda member: (member.rests_until > now, member.under_way))

    @staticmethod
    async def _look(member: _Member) -> Inspection | ProviderError:
        try:
            return await member.provider.inspect()
        except ProviderError as error:
            return error
