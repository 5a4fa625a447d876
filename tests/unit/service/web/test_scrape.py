"""Readings of the metrics, and what lies between two of them."""

from __future__ import annotations

import pytest

from ai_service.web.scrape import Scrape
from tests.unit.service.web.fake_api import metrics


def between(earlier: str, later: str, seconds: float = 10.0) -> tuple[Scrape, Scrape]:
    """Two readings."""
    return Scrape.parse(100.0, earlier), Scrape.parse(100.0 + seconds, later)


def test_only_what_came_since_counts() -> None:
    """An hour of hits before does not hide that nothing is found now."""
    earlier, later = between(metrics(hits=1000), metrics(hits=1000, misses=20))
    change = later.since(earlier)
    assert change.rate == 2.0
    assert change.hit_ratio == 0.0


def test_a_quiet_time_has_no_ratio_and_no_latency() -> None:
    """A gap in a plot is honest, a zero is not."""
    earlier, later = between(metrics(hits=5), metrics(hits=5))
    change = later.since(earlier)
    assert change.rate == 0.0
    assert change.hit_ratio is None
    assert change.quantile_ms("cached", 0.95) is None


def test_a_quantile_lies_within_its_bucket() -> None:
    """Hits between 0.5 and 1 ms, misses between 1 and 2 s: linear in between, as in PromQL."""
    earlier, later = between(metrics(), metrics(hits=100, misses=100))
    change = later.since(earlier)
    assert change.quantile_ms("cached", 0.5) == pytest.approx(0.75)
    assert change.quantile_ms("computed", 0.95) == pytest.approx(1950)


def test_beyond_the_last_bound_is_the_last_bound() -> None:
    """As in PromQL: more is not known."""
    text = 'alchemorsel_ai_request_duration_seconds_bucket{cache="miss",le="%s"} %d\n'
    earlier, later = between("", text % ("60.0", 0) + text % ("+Inf", 3))
    assert later.since(earlier).quantile_ms("computed", 0.95) == 60_000


def test_refused_requests_came_no_way() -> None:
    """A 400 says nothing about the cache."""
    text = 'alchemorsel_ai_requests_total{task="recipe",cache="none",status="400"} 7\n'
    assert Scrape.parse(1.0, text).answers.total() == 0


def test_a_restart_is_noticed() -> None:
    """Counters begin anew; nothing negative is ever shown."""
    earlier, later = between(metrics(hits=9), metrics(hits=1))
    assert later.restarted_since(earlier)
    assert not earlier.restarted_since(earlier)


def test_every_way_of_an_answer_is_counted() -> None:
    """An answer that was too old, and computed anew, is one."""
    ways = ("hit", "stale", "miss", "expired", "coalesced", "bypass")
    text = "".join(f'alchemorsel_ai_requests_total{{task="recipe",cache="{way}",status="200"}} 1\n' for way in ways)
    assert Scrape.parse(1.0, text).answers == {"cached": 2, "computed": 4}
