"""How long a server may be silent before its calls go elsewhere."""

from __future__ import annotations

SLOW_FACTOR = 3.0
"""A server's share is at least so many times the slowest first text of late: slow is not silent."""
SUSPECT_FACTOR = 4.0
SUSPECT_S = 1.0
"""After so many times that, and at least so long without text, all calls but the oldest leave a server."""
FORGET = 0.95
"""How much of the slowest first text is remembered with each further one."""


class SilenceLimits:
    """Limits of the silence before a first text, by how long first texts took of late.

    Args:
        timeout_s: Longest silence before the first text; each server's share is a part of it.
        load_timeout_s: The same for loading the model.
    """

    def __init__(self, *, timeout_s: float, load_timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._load_timeout_s = load_timeout_s
        self._first_text_s = 0.0

    def share_s(self, left: int, *, cold: bool) -> float | None:
        """Return how long a server may be silent before the next one is asked; None for the last one.

        Args:
            left: How many could be asked, this one among them.
            cold: Whether it has to load the model.
        """
        if left == 1:
            return None
        whole = self._timeout_s + (self._load_timeout_s if cold else 0.0)
        return min(whole, max(whole / left, SLOW_FACTOR * self._first_text_s))

    @property
    def suspicion_s(self) -> float:
        """Seconds without text after which a server is suspected to hang."""
        return max(SUSPECT_S, SUSPECT_FACTOR * self._first_text_s)

    def learn(self, seconds: float) -> None:
        """Note what a first text took; 0 where that says nothing of the next one."""
        self._first_text_s = max(seconds, FORGET * self._first_text_s)
