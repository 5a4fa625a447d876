"""The status panel: the API's current health and metrics, and their course over the last minutes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from ai_service.web.api_client import ApiUnreachableError
from ai_service.web.scrape import Scrape

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.web.api_client import ApiClient

SAMPLE_S = 2.0
"""Seconds between two looks, however many browsers watch."""
SPAN_S = 300.0
"""Seconds that the status panel shows."""
KEPT = 1800
"""Points kept for the operator's page: an hour, where somebody watched all the time."""
MOST_POINTS = 300
"""Of one course: more than a plot has room for."""
WINDOW_S = 20.0
"""Seconds that a point of a plot looks back: rates and quantiles of a single sample would jump."""


class StatusPanel:
    """Looks at the API when somebody watches, at most every two seconds; nobody watching costs nothing.

    Args:
        api: The API.
        clock: Seconds since the epoch.
    """

    def __init__(self, api: ApiClient, *, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._clock = clock
        self._lock = asyncio.Lock()
        self._scrapes: deque[Scrape] = deque(maxlen=int(WINDOW_S / SAMPLE_S) + 2)
        self._points: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._looked = float("-inf")
        self._now: dict[str, Any] = {}
        self._seen: float | None = None

    async def snapshot(self, span_s: float = SPAN_S) -> dict[str, Any]:
        """Return the content of the status panel.

        Args:
            span_s: Seconds that the points go back.

        Returns:
            `problem` ("" where the API answers), `health` (the API's report, None while it does not answer), `totals`
            since the API's start, `seen` (when they were read last, in seconds since the epoch; None for never), and
            `points`, oldest first: time, requests a second, hit ratio, and p95 latencies in milliseconds of cached and
            computed answers; None where there were none. `step_s` is the time between two points, `span_s` that of all.
        """
        async with self._lock:
            if self._clock() - self._looked >= SAMPLE_S:
                await self._look()
                self._looked = self._clock()
        points = [point for point in self._points if point["time"] > self._clock() - span_s]
        every = -(-len(points) // MOST_POINTS) or 1
        course = {"points": points[::-every][::-1], "step_s": every * SAMPLE_S, "span_s": span_s}
        return {**self._now, "seen": self._seen, **course}

    async def _look(self) -> None:
        try:
            health, metrics = await asyncio.gather(self._api.look("/api/v1/ai/health"), self._api.look("/metrics"))
            report = msgspec.json.decode(health)
            scrape = Scrape.parse(self._clock(), metrics.decode())
        except (ApiUnreachableError, msgspec.DecodeError, ValueError) as error:
            problem = str(error) if isinstance(error, ApiUnreachableError) else "The API's report cannot be read."
            self._now = {"problem": problem, "health": None, "totals": self._now.get("totals")}
            self._scrapes.clear()  # What comes after a gap is not compared with what was before it.
            self._points.append(
                {"time": self._clock(), "rate": None, "hit_ratio": None, "cached": None, "computed": None}
            )
            return
        if self._scrapes and scrape.restarted_since(self._scrapes[-1]):
            self._scrapes.clear()
        self._scrapes.append(scrape)
        self._points.append(self._point(scrape))
        self._now = {"problem": "", "health": report, "totals": scrape.totals()}
        self._seen = scrape.time

    def _point(self, scrape: Scrape) -> dict[str, Any]:
        since = next(old for old in self._scrapes if scrape.time - old.time <= WINDOW_S)
        change = scrape.since(since)
        return {
            "time": scrape.time,
            "rate": change.rate,
            "hit_ratio": change.hit_ratio,
            "cached": change.quantile_ms("cached", 0.95),
            "computed": change.quantile_ms("computed", 0.95),
        }
