"""Token budgets of API keys: what may be computed for a key on a UTC day."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from ai_service.answers.token_usage import DAY_S
from ai_service.errors import TokenBudgetExceeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.answers.caller import Caller
    from ai_service.answers.token_usage import TokenUsage
    from ai_service.observability.metrics import Metrics


class TokenBudgets:
    """Compare usage with budgets, before anything is computed; what is being computed already is never cut.

    Args:
        usage: Tokens by API key.
        metrics: Where refusals are counted.
        clock: Seconds since the epoch.
    """

    def __init__(self, usage: TokenUsage, metrics: Metrics, *, clock: Callable[[], float] = time.time) -> None:
        self._usage = usage
        self._metrics = metrics
        self._clock = clock

    async def check(self, caller: Caller) -> None:
        """Let a caller pass who has no budget, or some of it left; one round trip where there is one.

        Raises:
            TokenBudgetExceeded: It is used up.
        """
        budget = caller.token_budget
        if budget and await self._usage.spent(caller) >= budget:
            self._metrics.refused(TokenBudgetExceeded.code)
            raise TokenBudgetExceeded(
                f"Token budget of {budget}/day exceeded for key {caller.name!r}.",
                retry_after_s=math.ceil(DAY_S - self._clock() % DAY_S),
            )

    def is_exceeded(self, caller: Caller) -> bool:
        """Return whether a caller's budget is used up as far as this process knows; takes microseconds."""
        return bool(caller.token_budget) and self._usage.known(caller) >= caller.token_budget
