"""Figures of streams, herds and cold models come out of their samples."""

from __future__ import annotations

import pytest

from bench.evidence.ollama import LoadedModel
from bench.evidence.rules import PhaseRecord
from bench.load.plan import ClosedLoop, Herds, Phase
from bench.results import Measurement, Verdict
from bench.verdict.measurements import measure
from bench.verdict.thresholds import parse_threshold
from bench.verdict.verdicts import judge
from tests.unit.bench.records import counters, end, hit, miss, uncached_record

FEW = ClosedLoop(2, 60)
STREAM = Phase("stream", "recipe", FEW)


def test_a_stream_gives_the_first_token_and_the_gaps_between_them() -> None:
    """Of two streams: 20 and 30 ms to the first token, and gaps of 5, 7 and 2 ms."""
    samples = [
        miss(phase="stream", token_ns=[20_000_000, 25_000_000, 32_000_000]),
        miss(phase="stream", token_ns=[30_000_000, 32_000_000]),
        miss(phase="stream", token_ns=[1], failure="the stream ended with an error"),
    ]
    ttft, gaps, rate, burst = measure(uncached_record(samples, phase=Phase("stream", "recipe", FEW)))
    assert (ttft.metric, ttft.values) == ("ttft", [20, 30])
    assert (gaps.metric, gaps.values) == ("token_gap", [5, 7, 2])
    assert gaps.note == "5 pieces of text in 5 arrivals, at most 1 at once"
    assert (rate.metric, rate.values) == ("token_rate", [pytest.approx(2 / 0.012), 500])
    assert (burst.metric, set(burst.values)) == ("token_burst", {1})


def test_pieces_of_text_that_come_together_are_one_arrival() -> None:
    """Forty in one chunk, twice, with a pause of 1.5 s: the gap is the pause, and who collects them is said."""
    second = 1_000_000_000
    chunks = [second // 2 + micro for micro in range(0, 40_000, 1000)] + [2 * second + 40] * 40
    found = {one.metric: one for one in measure(uncached_record([miss(phase="stream", token_ns=chunks)], phase=STREAM))}
    assert found["token_gap"].values == [pytest.approx(1500, abs=0.1)]
    assert found["token_burst"].values == [40, 40]
    told = "80 pieces of text in 2 arrivals, at most 40 at once: something on the way collects them"
    assert found["token_gap"].note == told
    bound = parse_threshold("token_gap", "max<500", gated=True)
    assert judge(bound, [], list(found.values())).verdict is Verdict.FAIL


def test_the_load_time_is_that_of_server_timing_and_the_memory_that_of_ollama() -> None:
    """An answer that found the model loaded, against expectation, is no load of 0 ms."""
    samples = [
        miss(phase="cold", server_timing="cache;dur=0.1, load;dur=1700.5, provider;dur=900"),
        miss(phase="cold", server_timing="cache;dur=0.1, load;dur=0, provider;dur=900"),
    ]
    models = (LoadedModel("small", "later", size=400_000_000, size_vram=100_000_000),)
    load, memory = measure(uncached_record(samples, phase=Phase("cold", "recipe", FEW), models=models))
    assert load.values == [1700.5]
    assert (memory.values, memory.note) == ([400], "small 400 MB, 100 of it on a GPU")


def test_a_herd_gives_its_slowest_over_the_computed_one_and_its_calls() -> None:
    """Two herds with three provider calls; the worse one took 1.5 times as long for its last member."""
    samples = [
        hit(100, phase="herd", cache="miss", index=0),
        hit(150, phase="herd", cache="coalesced", index=0),
        hit(100, phase="herd", cache="miss", index=1),
        hit(100, phase="herd", cache="hit", index=1),
    ]
    record = PhaseRecord(
        Phase("herd", "recipe", Herds(2, 2, 60)), samples, end(4), counters({}, {("recipe", "ollama"): 3})
    )
    slowdown, calls = measure(record)
    assert slowdown.values == [1.5, 1.0]
    assert calls.values == [1.5]


def test_a_herd_with_a_failure_has_no_slowdown() -> None:
    """Who was refused at once was not served fast."""
    samples = [hit(phase="herd", cache="miss"), hit(0.1, phase="herd", failure="HTTP 503", cache="none")]
    record = PhaseRecord(Phase("herd", "recipe", Herds(2, 1, 60)), samples, end(2), counters({}, {}))
    assert [found.metric for found in measure(record)] == ["herd_calls"]


def test_other_phases_have_none() -> None:
    """Their latencies are all there is."""
    assert measure(uncached_record([miss()])) == []


def measured(*values: float, task: str = "recipe") -> list[Measurement]:
    """Return load times in milliseconds."""
    return [Measurement(metric="model_load", phase="cold", task=task, values=list(values))]


def test_a_maximum_is_held_to_what_was_measured() -> None:
    """At the bound, above it, and nothing measured."""
    bound = parse_threshold("model_load", "max<=60", gated=True)
    assert judge(bound, [], measured(10, 60)).verdict is Verdict.PASS
    assert judge(bound, [], measured(10, 61)).verdict is Verdict.FAIL
    assert judge(bound, [], []).verdict is Verdict.INCONCLUSIVE


def test_a_bound_of_a_task_leaves_other_tasks_alone() -> None:
    """And one of another metric is not mixed in."""
    bound = parse_threshold("model_load{task:recipe}", "max<60", gated=True)
    others = [*measured(99, task="nutrition"), Measurement(metric="ttft", phase="stream", task="recipe", values=[99])]
    assert judge(bound, [], measured(10) + others).value == 10
    assert judge(bound, [], measured(10)).unit == "ms"


def test_a_percentile_of_few_values_is_not_decided() -> None:
    """As for latencies: 59 samples are the least for p95."""
    bound = parse_threshold("ttft", "p(95)<60", gated=True)
    few = [Measurement(metric="ttft", phase="stream", task="recipe", values=[1.0] * 10)]
    assert judge(bound, [], few).verdict is Verdict.INCONCLUSIVE
    assert judge(bound, [], few * 6).verdict is Verdict.PASS
