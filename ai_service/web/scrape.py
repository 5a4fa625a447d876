"""One reading of the API's metrics, and what happened between two of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

PATHS = {
    **dict.fromkeys(("hit", "stale"), "cached"),
    **dict.fromkeys(("miss", "expired", "coalesced", "bypass"), "computed"),
}
"""The way an answer came, by the metrics' label `cache`; a refused request came no way."""
_REQUESTS = "alchemorsel_ai_requests"
_DURATION = "alchemorsel_ai_request_duration_seconds"
_FALLBACKS = "alchemorsel_ai_fallbacks"


@dataclass(frozen=True, slots=True)
class Change:
    """What happened between two readings.

    Attributes:
        seconds: Between them.
        answers: Requests by the way they came.
        buckets: Requests by way and upper bound in seconds, cumulative as in Prometheus.
    """

    seconds: float
    answers: Counter[str]
    buckets: dict[str, dict[float, int]]

    @property
    def rate(self) -> float | None:
        """Answers a second; None between a reading and itself."""
        return self.answers.total() / self.seconds if self.seconds else None

    @property
    def hit_ratio(self) -> float | None:
        """Share of answers from the cache; None where there were none."""
        return self.answers["cached"] / self.answers.total() if self.answers.total() else None

    def quantile_ms(self, path: str, quantile: float) -> float | None:
        """Return a quantile in milliseconds, linear within its bucket as in PromQL's histogram_quantile.

        Args:
            path: `cached` or `computed`.
            quantile: From 0 to 1.

        Returns:
            None where there were no answers. Beyond the last bound: that bound.
        """
        buckets = sorted(self.buckets.get(path, {}).items())
        if not buckets or not buckets[-1][1]:
            return None
        wanted = quantile * buckets[-1][1]
        low, below = 0.0, 0
        for bound, count in buckets:
            if count >= wanted:
                if bound == float("inf"):
                    return low * 1000
                return 1000 * (low + (bound - low) * (wanted - below) / max(count - below, 1))
            low, below = bound, count
        raise AssertionError("the last bucket holds all")


@dataclass(frozen=True, slots=True)
class Scrape:
    """One reading.

    Attributes:
        time: Seconds since the epoch.
        answers: Requests by the way they came, since the API's start.
        buckets: See Change.
        fallbacks: Times that a provider was passed over.
    """

    time: float
    answers: Counter[str] = field(default_factory=Counter)
    buckets: dict[str, dict[float, int]] = field(default_factory=dict)
    fallbacks: int = 0

    @classmethod
    def parse(cls, time: float, text: str) -> Scrape:
        """Parse Prometheus' text format.

        Raises:
            ValueError: It is none.
        """
        answers: Counter[str] = Counter()
        buckets: dict[str, dict[float, int]] = {}
        fallbacks = 0
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                path = PATHS.get(sample.labels.get("cache", ""))
                if sample.name == f"{_REQUESTS}_total" and path:
                    answers[path] += int(sample.value)
                elif sample.name == f"{_DURATION}_bucket" and path:
                    counts = buckets.setdefault(path, {})
                    bound = float(sample.labels["le"])
                    counts[bound] = counts.get(bound, 0) + int(sample.value)
                elif sample.name == f"{_FALLBACKS}_total":
                    fallbacks += int(sample.value)
        return cls(time, answers, buckets, fallbacks)

    def restarted_since(self, earlier: Scrape) -> bool:
        """Whether the API was started anew in between: a counter never falls otherwise."""
        return any(self.answers[path] < count for path, count in earlier.answers.items())

    def since(self, earlier: Scrape) -> Change:
        """Return the change since an earlier scrape."""
        return Change(
            self.time - earlier.time,
            self.answers - earlier.answers,
            {
                path: {bound: count - earlier.buckets.get(path, {}).get(bound, 0) for bound, count in counts.items()}
                for path, counts in self.buckets.items()
            },
        )

    def totals(self) -> dict[str, int]:
        """Answers by the way they came, and fallbacks, since the API's start."""
        return {"cached": self.answers["cached"], "computed": self.answers["computed"], "fallbacks": self.fallbacks}
