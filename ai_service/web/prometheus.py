"""The site's Prometheus: the course of the service over hours and days, and the edges of all hosts."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
import msgspec

from ai_service.transport.http_client import HTTPClient, read

if TYPE_CHECKING:
    from collections.abc import Mapping

DEADLINE_S = 5.0
POINTS = 120
"""Points of a course."""
MIN_STEP_S = 15
"""A usual scrape interval: between two readings nothing is known."""
_FOUND = 'cache!="none"'
_ANSWERS = "sum(rate(alchemorsel_ai_requests_total{%s}[%s]))"
_P95 = "1000 * histogram_quantile(0.95, sum by (le) (rate(alchemorsel_ai_request_duration_seconds_bucket{%s}[%s])))"
_CACHED = 'cache=~"hit|stale"'
_COMPUTED = 'cache=~"miss|expired|coalesced|bypass"'
QUERIES = {
    "rate": _ANSWERS % (_FOUND, "%(window)s"),
    "hit_ratio": f"{_ANSWERS % (_CACHED, '%(window)s')} / ({_ANSWERS % (_FOUND, '%(window)s')} > 0)",
    "cached": _P95 % (_CACHED, "%(window)s"),
    "computed": _P95 % (_COMPUTED, "%(window)s"),
}
"""PromQL by the name of a point's value, in the status panel's units."""


class PrometheusError(Exception):
    """Prometheus gave no answer; says why in a sentence."""


class _Series(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]] = []
    value: tuple[float, str] | None = None


class _Data(msgspec.Struct):
    result: list[_Series] = []


class _Answer(msgspec.Struct):
    data: _Data = msgspec.field(default_factory=_Data)
    error: str = ""


class Prometheus:
    """Ask a Prometheus.

    Args:
        base_url: Its base URL.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._client = HTTPClient(base_url)

    async def course(self, span_s: int, end: float) -> tuple[list[dict[str, Any]], int]:
        """Return the points of a time range, oldest first, and the seconds between two of them.

        Args:
            span_s: Length of the range.
            end: Its end, in seconds since the epoch.

        Raises:
            PrometheusError: There is no answer.
        """
        step = max(MIN_STEP_S, -(-span_s // POINTS))
        last = int(end) // step * step
        times = range(last - span_s // step * step, last + 1, step)
        window = {"window": f"{max(4 * MIN_STEP_S, step)}s"}
        asked = {"start": times[0], "end": times[-1], "step": step}
        found = await asyncio.gather(*(self._range({"query": query % window, **asked}) for query in QUERIES.values()))
        courses = dict(zip(QUERIES, found, strict=True))
        return [{"time": time, **{name: course.get(time) for name, course in courses.items()}} for time in times], step

    async def samples(self, query: str) -> list[tuple[dict[str, str], float]]:
        """Return the current samples of a query: labels, the metric's name among them as `__name__`, and value.

        Raises:
            PrometheusError: There is no answer.
        """
        series = await self._ask("/api/v1/query", {"query": query})
        return [(each.metric, _number(each.value[1])) for each in series if each.value is not None]

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _range(self, parameters: Mapping[str, object]) -> dict[int, float]:
        """Return the values of a query's only series by their time; what is no number is left out."""
        series = await self._ask("/api/v1/query_range", parameters)
        values = [(int(time), _number(text)) for each in series[:1] for time, text in each.values]
        return {time: value for time, value in values if math.isfinite(value)}

    async def _ask(self, path: str, parameters: Mapping[str, object]) -> list[_Series]:
        try:
            async with (
                asyncio.timeout(DEADLINE_S),
                aclosing(await self._client.send("GET", f"{path}?{urlencode(parameters)}")) as response,
            ):
                answer = msgspec.json.decode(await read(response), type=_Answer)
        except (httpx.HTTPError, TimeoutError) as error:
            why = "does not answer in time" if isinstance(error, TimeoutError) else "cannot be reached"
            raise PrometheusError(f"The Prometheus at {self._base_url} {why}.") from error
        except ValueError as error:  # Of msgspec, too.
            raise PrometheusError(f"What answers at {self._base_url} is no Prometheus.") from error
        if answer.error or response.status_code != 200:
            why = answer.error or f"status {response.status_code}"
            raise PrometheusError(f"The Prometheus at {self._base_url} refuses the query: {why}.")
        return answer.data.result


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
