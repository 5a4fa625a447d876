"""Wait for what another process does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT_S = 30.0
POLL_S = 0.05


def until(condition: Callable[[], bool], *, timeout_s: float = TIMEOUT_S) -> None:
    """Wait for a condition.

    Raises:
        AssertionError: It does not come true in time.
    """
    give_up = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < give_up, "the condition did not come true in time"
        time.sleep(POLL_S)
