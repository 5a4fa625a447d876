"""Arrival processes of the open loop: when each request is due, whatever the service does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def constant_arrivals(rate: float, seconds: float) -> Iterator[int]:
    """Yield the intended starts of evenly spaced arrivals, in nanoseconds from the first.

    Each is computed from its number, so rounding does not add up over a long run.

    Args:
        rate: Arrivals per second, above 0.
        seconds: How long arrivals go on.
    """
    for number in range(int(rate * seconds)):
        yield int(number * 1e9 / rate)
