"""Several servers that run the same model, as one provider: the machines of a site, or a container for each GPU."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from ai_service.providers.base import Completion, Inspection, unheard
from ai_service.providers.errors import ModelMissing, ProviderError, ProviderUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ai_service.providers.base import Prompt, Provider

REST_S = 5.0
"""For so long a server that cannot answer is asked last, unless a look at all of them says otherwise."""

logger = logging.getLogger(__name__)


class _Member:
    """One of the servers."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.under_way = 0
        self.rests_until = 0.0
        self.differs = False


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
        self.fabricated = providers[0].fabricated
        self._members = [_Member(provider) for provider in providers]
        self._clock = clock

    async def complete(self, prompt: Prompt, on_text: Callable[[str], None] = unheard) -> Completion:
        """See Provider."""
        heard = False

        def hear(text: str) -> None:
            nonlocal heard
            heard = True
            on_text(text)

        missed: ProviderError | None = None
        for member in self._in_order():
            member.under_way += 1
            try:
                return await member.provider.complete(prompt, hear)
            except (ProviderUnreachable, ModelMissing) as error:
                member.rests_until = self._clock() + REST_S
                if heard:
                    raise
                missed = error
            finally:
                member.under_way -= 1
        raise missed or ProviderUnreachable("none of the servers has the model")

    async def inspect(self) -> Inspection:
        """See Provider: loaded only where it is so on every server that answers."""
        looks = await asyncio.gather(*(self._look(member) for member in self._members))
        seen = [look for look in looks if isinstance(look, Inspection)]
        if not seen:
            raise next(look for look in looks if isinstance(look, ProviderError))
        digest = next((look.digest for look in seen if look.digest), "")
        for member, look in zip(self._members, looks, strict=True):
            self._compare(member, look, digest)
        return Inspection(digest=digest, loaded=all(look.loaded for look in seen if look.digest == digest))

    async def close(self) -> None:
        """See Provider."""
        await asyncio.gather(*(member.provider.close() for member in self._members))

    def _in_order(self) -> list[_Member]:
        """The servers as they are to be asked: each one that differs is left out, those that rest come last."""
        now = self._clock()
        fit = [member for member in self._members if not member.differs]
        return sorted(fit, key=lambda member: (member.rests_until > now, member.under_way))

    @staticmethod
    async def _look(member: _Member) -> Inspection | ProviderError:
        try:
            return await member.provider.inspect()
        except ProviderError as error:
            return error

    def _compare(self, member: _Member, look: Inspection | ProviderError, digest: str) -> None:
        if isinstance(look, ProviderError):
            return
        if look.digest:
            member.rests_until = 0.0
        differs = bool(look.digest) and look.digest != digest
        if differs and not member.differs:
            logger.warning(
                "server %d has another model as %s and is not asked", self._members.index(member), self.model
            )
        member.differs = differs
