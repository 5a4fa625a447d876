"""Drawings stay inside their axes and small, whatever they show."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bench.report.capacity import draw_capacity
from bench.report.ecdf import Curve as Distribution
from bench.report.ecdf import common_axis, plot
from bench.report.page import render
from bench.report.sparklines import draw_bound
from bench.report.svg import LogAxis
from bench.report.timeline import draw_timeline
from bench.results import Annotation
from bench.verdict import summaries, verdicts
from bench.verdict.thresholds import parse_threshold
from tests.unit.bench.records import cached_record, hit, result
from tests.unit.bench.report.html_page import Page
from tests.unit.bench.report.shown_results import CURVE, POINT, full_result


def test_a_bound_that_allows_nothing_is_drawn() -> None:
    """No failure allowed, one happened: a full bar, and no division by nothing."""
    none = parse_threshold("failures{phase:cached}", "count<=0", gated=True)
    for samples in ([hit()], [hit(failure="HTTP 500")]):
        assert "<rect" in str(draw_bound(verdicts.judge(none, samples)))


@given(st.lists(st.floats(0.01, 10**6), min_size=1, max_size=400), st.floats(0.01, 10**6))
def test_every_curve_stays_inside_its_plot(latencies: list[float], bound: float) -> None:
    """Whatever the latencies, the drawing is well-formed and its points lie between the axes."""
    curve = Distribution("hit", sorted(latencies), bound)
    drawing = ET.fromstring(str(plot("recipe", [curve], common_axis([curve]))))  # noqa: S314 - made here
    circles = [element for element in drawing if element.tag.endswith("circle")]
    assert circles
    assert all(35 <= float(circle.get("cx", "")) <= 351 for circle in circles)


def test_a_long_curve_stays_small() -> None:
    """Samples that fall on the same tenth of a pixel make one step."""
    curve = Distribution("hit", [1 + number / 1000 for number in range(50_000)], None)
    assert len(str(plot("recipe", [curve], common_axis([curve])))) < 100_000


def test_an_axis_covers_whole_decades() -> None:
    """Ends lie on powers of ten, which are its ticks."""
    axis = LogAxis.around([2.0, 300.0], 0.0, 300.0)
    assert list(axis.decades()) == [1, 10, 100, 1000]
    assert [axis.at(value) for value in (1, 10, 1000)] == pytest.approx([0, 100, 300])
    assert LogAxis.around([10.0], 0.0, 1.0).high > LogAxis.around([10.0], 0.0, 1.0).low


def test_annotations_and_failures_stand_on_the_time_line() -> None:
    """A fault is a numbered line with its words below; a failed request is drawn apart, and no latency."""
    whole, samples = full_result()
    phases = [replace(phase, started_s=2.0 * number + 1) for number, phase in enumerate(whole.phases)]
    marked = replace(whole, phases=phases, annotations=[Annotation(at_s=3.5, what="redis stopped <now>")])
    drawing = draw_timeline(marked, [*samples, hit(9e9, failure="HTTP 503")])
    assert drawing is not None
    svg = ET.fromstring(str(drawing))  # noqa: S314 - made here
    kinds = {element.get("class") for element in svg if element.tag.endswith("path")}
    assert kinds == {"samples hit", "samples miss", "samples failed"}
    assert "1 annotations" in svg.get("aria-label", "")
    assert "10000 s" not in str(drawing)
    assert "3.5 s: redis stopped <now>" in " ".join(Page(render(marked, samples)).text.split())


def test_an_old_result_has_no_time_line() -> None:
    """It did not say when its phases began, and phases drawn over each other would mislead."""
    whole, samples = full_result()
    assert draw_timeline(whole, samples) is None
    assert "Time line" not in Page(render(whole, samples)).text


def test_a_long_time_line_stays_small() -> None:
    """Requests of the same moment are one stroke, however many they are."""
    samples = [hit(1 + number % 50, intended_ns=number * 10**6) for number in range(60_000)]
    phase = replace(summaries.summarize_phase(cached_record(samples), []), started_s=1.0, wall_s=60.0)
    drawing = draw_timeline(result(phases=[phase], duration_s=62.0), samples)
    assert len(str(drawing)) < 30_000


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1e5), st.none() | st.floats(0.2, 1e5)), min_size=1, max_size=9))
def test_every_capacity_lies_inside_its_plot(points: list[tuple[float, float, float | None]]) -> None:
    """Also a capacity of nothing at all, which a logarithmic axis has no place for."""
    curve = replace(CURVE, points=[replace(POINT, hit_ratio=h, capacity=c, broken=b) for h, c, b in points])
    svg = ET.fromstring(str(draw_capacity(curve)))  # noqa: S314 - made here
    dots = [element for element in svg if element.tag.endswith("circle")]
    assert len(dots) == len(points)
    assert all(20 <= float(dot.get("cy", "")) <= 215 for dot in dots)
