"""Counters lag behind the answers that they count; a record waits for them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.evidence.rules import PhaseRecord, agrees

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.evidence.counters import Counters

SETTLE_SECONDS = 2.0
"""How long counters may lag behind the answers they count."""


def settle(record: PhaseRecord, grown: Callable[[], Counters]) -> PhaseRecord:
    """Return the record with the growth of the counters, once it agrees with the samples or its time is up.

    Args:
        record: The phase.
        grown: Returns the growth of the service's counters since the phase began.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        known = replace(record, grown=grown())
        if agrees(known) or time.monotonic() > deadline:
            return known
        time.sleep(SETTLE_SECONDS / 20)
