"""How busy other programs keep this machine: looked at right before a load, while nothing of the benchmark runs."""

from __future__ import annotations

import psutil  # type: ignore[import-untyped] # has none

WINDOW_SECONDS = 0.5


def busy_share() -> float:
    """Return the share of all cores that is busy for half a second from now, 0 to 1; the host's, in a container."""
    return float(psutil.cpu_percent(interval=WINDOW_SECONDS)) / 100
