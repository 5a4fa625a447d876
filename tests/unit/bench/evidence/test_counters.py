"""The service's counters are read by task, and their growth is what counts."""

from __future__ import annotations

import pytest

from bench.evidence.counters import Counters, parse_counters

TEXT = """\
# TYPE alchemorsel_ai_requests_total counter
alchemorsel_ai_requests_total{task="recipe",cache="hit",status="200"} 7
alchemorsel_ai_requests_total{task="recipe",cache="hit",status="503"} 2
alchemorsel_ai_requests_total{task="recipe",cache="miss",status="200"} 1
# TYPE alchemorsel_ai_provider_calls_total counter
alchemorsel_ai_provider_calls_total{provider="ollama",task="recipe",outcome="ok"} 1
alchemorsel_ai_provider_calls_total{provider="ollama",task="recipe",outcome="error"} 1
alchemorsel_ai_provider_calls_total{provider="openai",task="recipe",outcome="ok"} 1
# TYPE other_total counter
other_total{task="recipe"} 99
"""


def test_successes_are_counted_by_cache_outcome_and_calls_by_provider() -> None:
    """A refused request is no answer; a failed call was a call."""
    counters = parse_counters(TEXT)
    assert (counters.answered("recipe", "hit"), counters.answered("recipe", "miss")) == (7, 1)
    assert counters.called("recipe") == 3
    assert counters.called("nutrition") == 0


def test_calls_that_no_request_waited_for_are_counted_apart() -> None:
    """A refresh is a call without a miss, and no sign of a claimed hit that was computed."""
    refresh = 'alchemorsel_ai_provider_calls_total{provider="ollama",task="recipe",outcome="ok",purpose="refresh"} 5'
    request = refresh.replace("refresh", "request")
    counters = parse_counters(TEXT.replace("# TYPE other", f"{refresh}\n{request}\n# TYPE other"))
    assert (counters.called("recipe"), counters.called_in_background("recipe")) == (3 + 5, 5)
    grown = counters.since(parse_counters(TEXT))
    assert grown.background == {("recipe", "refresh"): 5}


def test_growth_is_what_came_since() -> None:
    """What had been counted before a phase does not belong to it."""
    before = parse_counters(TEXT)
    after = parse_counters(TEXT.replace("} 7", "} 10"))
    assert after.since(before).answers == {("recipe", "hit"): 3}
    assert after.since(before).calls == {}


def test_a_counter_that_was_reset_shows_as_negative() -> None:
    """A service that was restarted under the run does not look as if it had agreed."""
    after = parse_counters(TEXT.replace("} 7", "} 0"))
    assert after.since(parse_counters(TEXT)).answered("recipe", "hit") == -7


def test_a_counter_without_samples_yet_is_there() -> None:
    """A service that was just started announces its counters by their type only."""
    text = "# TYPE alchemorsel_ai_requests_total counter\n# TYPE alchemorsel_ai_provider_calls_total counter\n"
    assert len(parse_counters(text).found) == 2
    assert not parse_counters("").found
    assert not Counters().since(parse_counters(text)).found


def test_what_is_no_metrics_page_is_refused() -> None:
    """An HTML page is not read as zero."""
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's own wording
        parse_counters('<html lang="en">nothing</html>')
