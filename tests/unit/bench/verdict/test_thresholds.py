"""The threshold language says what it means, and where a mistake is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bench.errors import FileFormatError, UsageError
from bench.load.arrivals import parse_stages
from bench.load.plan import ClosedLoop, Herds, OpenLoop, Phase, plan
from bench.results import Verdict
from bench.verdict.slo import DEFAULT_PATH, load_profile
from bench.verdict.thresholds import ThresholdSyntaxError, parse_threshold
from bench.verdict.verdicts import judge
from tests.unit.bench.records import hit, miss

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
profiles:
  tiny:
    description: d
    hardware: h
    uncached: {samples: 3, max_seconds: 10}
    cached: {rate: 10, seconds: 5, warmup_seconds: 1}
    generator: {max_lag_p99_ms: 5}
    gate:
      latency{task:recipe,cache:hit}: p(95)<100
"""


def test_a_threshold_is_read_with_its_scope() -> None:
    """Metric, tags, percentile, operator and bound of k6's syntax."""
    threshold = parse_threshold("latency{task:recipe, cache:hit}", " p(99.9) <= 12.5 ", gated=True)
    assert (threshold.metric, dict(threshold.tags)) == ("latency", {"task": "recipe", "cache": "hit"})
    assert (threshold.p, threshold.strict, threshold.bound, threshold.gated) == (99.9, False, 12.5, True)


def test_a_selector_picks_samples_that_carry_every_tag() -> None:
    """Another task, or the same task by another cache path, is not judged."""
    threshold = parse_threshold("latency{task:recipe,cache:hit}", "p(95)<100", gated=True)
    assert threshold.selects(hit())
    assert not threshold.selects(hit(task="nutrition"))
    assert not threshold.selects(miss())
    assert parse_threshold("latency", "p(95)<100", gated=True).selects(miss())


@given(st.floats(0.1, 1e6))
def test_the_bound_itself_is_kept_only_by_at_most(bound: float) -> None:
    """``<`` refuses a value exactly at the bound, ``<=`` accepts it."""
    text = f"{bound:.3f}"
    assert not parse_threshold("latency", f"p(50)<{text}", gated=True).within(float(text))
    assert parse_threshold("latency", f"p(50)<={text}", gated=True).within(float(text))


@pytest.mark.parametrize(
    ("selector", "expression", "part", "offset", "message"),
    [
        ("speed", "p(95)<1", "selector", 0, "unknown metric 'speed'; expected one of latency, failures"),
        ("latency{task:soup}", "p(95)<1", "selector", 8, "tag task cannot be 'soup'; expected one of recipe"),
        ("latency{task:recipe,colour:red}", "p(95)<1", "selector", 20, "unknown tag 'colour'"),
        ("latency{task:recipe", "p(95)<1", "selector", 7, "no selector"),
        ("latency", "p(95)=1", "expression", 0, "no bound"),
        ("latency", "p(95)<1 ms", "expression", 8, "no bound"),
        ("latency", "p(0)<1", "expression", 2, "p(0) is no percentile"),
        ("latency", "p(100)<1", "expression", 2, "p(100) is no percentile"),
        ("latency", "p(9.9.9)<1", "expression", 2, "no percentile"),
        ("latency", "rate<0.1", "expression", 0, "latency is judged by p(N), not by rate"),
        ("failures", "p(95)<1", "expression", 0, "failures is judged by rate or count, not by p(95)"),
        ("failures", "rate<1", "expression", 5, "share between 0 and 1"),
    ],
)
def test_a_malformed_threshold_is_refused_with_its_place(
    selector: str, expression: str, part: str, offset: int, message: str
) -> None:
    """The error names the string, the position in it, and what would be right."""
    with pytest.raises(ThresholdSyntaxError) as caught:
        parse_threshold(selector, expression, gated=True)
    assert (caught.value.part, caught.value.offset) == (part, offset)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["lab", "dev", "prod"])
def test_the_shipped_file_holds_the_seed_table(name: str) -> None:
    """Every profile names the six upper bounds of the table at p95; cached ones always gate."""
    profile = load_profile(name)
    latency = [bound for bound in profile.thresholds if bound.metric == "latency" and bound.p == 95]
    bounds = {(bound.tags["task"], bound.tags["cache"]): bound for bound in latency}
    assert {key: bound.bound for key, bound in bounds.items()} == {
        ("recipe", "hit"): 100,
        ("ingredients", "hit"): 50,
        ("nutrition", "hit"): 50,
        ("recipe", "miss"): 5000,
        ("ingredients", "miss"): 2000,
        ("nutrition", "miss"): 3000,
    }
    assert all(bound.gated for (_task, cache), bound in bounds.items() if cache == "hit")


@pytest.mark.parametrize("name", ["lab", "dev", "prod"])
def test_failures_are_bounded_in_every_phase_and_none_of_them_is_proof_enough(name: str) -> None:
    """As many requests as the profile plans, none of which fails, keep the bound; all of which fail, break it."""
    profile = load_profile(name)
    for workload in profile.load.workloads:
        planned = [phase for phase in plan(profile.load, "") if phase.name == workload]
        counts = [(phase, phase.arrivals.count) for phase in planned]
        (bound,) = (
            bound
            for bound in profile.thresholds
            if bound.metric == "failures" and bound.phase == workload and bound.gated
        )
        good = [hit(phase=workload, task=phase.task) for phase, count in counts for _ in range(warm(phase, count))]
        assert judge(bound, good).verdict is Verdict.PASS, workload
        assert judge(bound, [replace(sample, failure="HTTP 500") for sample in good]).verdict is Verdict.FAIL


def warm(phase: Phase, count: int) -> int:
    """Return how many of a phase's arrivals come after its warm-up."""
    loop = phase.arrivals
    return round(count * (1 - loop.warmup_seconds / loop.seconds)) if isinstance(loop, OpenLoop) else count


def test_only_the_lab_leaves_uncached_bounds_ungated() -> None:
    """What is only shown in the lab decides elsewhere."""
    gated = {
        name: {
            bound.tags["task"] for bound in load_profile(name).thresholds if bound.gated and "miss" in bound.selector
        }
        for name in ("lab", "dev", "prod")
    }
    assert gated == {"lab": set(), "dev": {"recipe", "ingredients", "nutrition"}, "prod": gated["dev"]}


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("p(95)<100", "p(95)<", "9:39", "no bound"),
        ("p(95)<100", '"p(0)<100"', "9:42", "no percentile"),
        ("cache:hit", "cache:warm", "9:27", "tag cache cannot be 'warm'; expected one of hit, miss"),
        ("rate: 10", "rate: fast", "6:20", "expected a number above 0, not 'fast'"),
        ("rate: 10", "rate: -1", "6:20", "expected a number above 0, not '-1'"),
        ("samples: 3", "samples: 3.5", "5:25", "whole number"),
        ("warmup_seconds: 1", "warmup_seconds: 5", "6:52", "leaves nothing of 5 s"),
        ("    hardware: h\n", "", "3:5", "missing hardware"),
        ("hardware: h", "hardwear: h", "4:5", "unknown key 'hardwear'"),
        ("    hardware: h\n", "    hardware: h\n    hardware: i\n", "5:5", "'hardware' is there twice"),
        ("hardware: h", "hardware: [h]", "4:15", "expected a single value"),
        ("{samples: 3, max_seconds: 10}", "7", "5:15", "expected 'key: value' lines"),
        ("{samples: 3, max_seconds: 10}", "{samples: 3", "6:11", "not YAML"),
        ("rate: 10, seconds: 5", 'stages: "5s:-1"', "6:23", "'5s:-1' is no stage"),
        ("rate: 10,", 'stages: "5s:1", rate: 10,', "6:36", "rate is said by the stages already"),
        ("rate: 10, ", "", "6:13", "missing rate (or stages)"),
        ("rate: 10,", "rate: 10, arrivals: random,", "6:34", "expected one of constant, poisson, not 'random'"),
        ("    gate:", "    zipf: {task: soup}\n    gate:", "8:11", "missing catalogue, exponent"),
        ("    gate:", "    stream: {task: soup, samples: 1, max_seconds: 9}\n    gate:", "8:20", "not 'soup'"),
        ("    gate:", "    mixed: {rate: 9, seconds: 9, new_share: 2}\n    gate:", "8:45", "a share, 0 to 1, not 2"),
        ("p(95)<100", "max<100", "9:39", "latency is judged by p(N), not by max"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_line_and_column(
    tmp_path: Path, old: str, new: str, place: str, message: str
) -> None:
    """The error reads like a compiler's, so that an editor can jump there."""
    assert old in GOOD
    file = tmp_path / "slo.yml"
    file.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(FileFormatError) as caught:
        load_profile("tiny", file)
    assert str(caught.value).startswith(f"slo.yml:{place}: ")
    assert message in str(caught.value)


def test_every_workload_of_a_profile_is_read(tmp_path: Path) -> None:
    """Tasks, arrivals and sizes end up in the phases, in the order of a run."""
    more = """\
    cold: {task: ingredients, samples: 2, max_seconds: 60}
    stream: {task: recipe, samples: 3, max_seconds: 60}
    herd: {task: nutrition, people: 50, herds: 2, max_seconds: 30}
    zipf: {task: recipe, stages: "5s:1-9,5s:9", arrivals: poisson, catalogue: 7, exponent: 0.8}
    mixed: {rate: 20, seconds: 5, new_share: 0.25}
"""
    (tmp_path / "slo.yml").write_text(GOOD.replace("    gate:", f"{more}    gate:"), encoding="utf-8")
    load = load_profile("tiny", tmp_path / "slo.yml").load
    mixed, zipf, herd, stream, cold = load.more
    assert load.workloads == ("uncached", "cached", "mixed", "zipf", "herd", "stream", "cold")
    assert (mixed.task, mixed.new_share) == ("all", 0.25)
    assert (zipf.catalogue, zipf.exponent) == (7, 0.8)
    assert zipf.arrivals == OpenLoop(parse_stages("5s:1-9,5s:9"), 0, "poisson")
    assert herd.arrivals == Herds(50, 2, 30)
    assert (stream.arrivals, cold.arrivals) == (ClosedLoop(3, 60), ClosedLoop(2, 60))


def test_a_list_of_bounds_for_one_selector_is_read_in_order(tmp_path: Path) -> None:
    """As in k6, one selector can be held to several bounds."""
    file = tmp_path / "slo.yml"
    file.write_text(GOOD.replace("p(95)<100", "[p(50)<10, p(95)<100]"), encoding="utf-8")
    assert [bound.expression for bound in load_profile("tiny", file).thresholds] == ["p(50)<10", "p(95)<100"]


def test_an_unknown_profile_is_answered_with_those_there_are() -> None:
    """The message lists what would be right."""
    with pytest.raises(UsageError, match=r"no profile .staging.*lab, dev, prod"):
        load_profile("staging", DEFAULT_PATH)


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    """A wrong --slo is told by its path."""
    with pytest.raises(UsageError, match="cannot read the SLO file"):
        load_profile("lab", tmp_path / "none.yml")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """An empty file is not a file without bounds."""
    (tmp_path / "slo.yml").write_text("", encoding="utf-8")
    with pytest.raises(FileFormatError, match="expected a key 'profiles'"):
        load_profile("lab", tmp_path / "slo.yml")
