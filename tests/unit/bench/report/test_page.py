"""The report stands alone, tells everything, and trusts no string it shows."""

from __future__ import annotations

from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.evidence.rules import examine
from bench.report.ecdf import Curve, common_axis, plot
from bench.report.formats import format_bound, format_ms, format_ratio, format_share, format_threshold
from bench.report.junit import render_junit
from bench.report.page import render
from bench.report.svg import LogAxis
from bench.results import Finding, Result, Verdict
from bench.verdict import verdicts
from bench.verdict.thresholds import parse_threshold
from tests.unit.bench.records import cached_record, hit, miss, result, uncached_record

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Checks that tags nest, and collects texts and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect a tag and remember to see it closed."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect a tag that closes itself."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        """Check that the innermost tag is the one that closes."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect text."""
        self.text += f"{data} "


def full_result() -> tuple[Result, list[object]]:
    """Return a result with both phases of one task, and its samples."""
    records = [uncached_record([miss(), miss(4000.0)]), cached_record([hit(float(ms)) for ms in range(1, 101)])]
    samples = [sample for record in records for sample in record.samples]
    findings = [finding for record in records for finding in examine(record, 5.0)]
    thresholds = [
        parse_threshold("latency{task:recipe,cache:hit}", "p(95)<200", gated=True),
        parse_threshold("latency{task:recipe,cache:miss}", "p(95)<5000", gated=False),
    ]
    bounds = [verdicts.judge(threshold, samples) for threshold in thresholds]
    whole = result(
        tasks=verdicts.summarize_tasks(samples, bounds, findings),
        thresholds=bounds,
        evidence=findings,
        phases=[verdicts.summarize_phase(record, thresholds) for record in records],
    )
    return whole, samples


def test_the_report_needs_nothing_from_outside() -> None:
    """No script, no link, no image, no address to load from."""
    whole, samples = full_result()
    page = Page(render(whole, samples))
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not [value for name, value in page.attributes if name in {"src", "href", "srcset", "data", "action"}]
    assert "url(" not in render(whole, samples)
    assert "@import" not in render(whole, samples)


def test_the_report_shows_figures_evidence_and_environment() -> None:
    """Verdict, both cache paths, bounds, rules, counts, environment."""
    whole, samples = full_result()
    text = " ".join(Page(render(whole, samples)).text.split())
    for expected in (
        "PASS Every gated bound is kept",
        "95.0 ms",
        "3.00 s",
        "latency recipe hit p(95)<200",
        "shown, not gated",
        "the service's counters agree with the samples",
        "generator CPU a CPU",
        "uncached recipe closed loop, 1 user, 2 new requests",
    ):
        assert expected in text


def test_strings_from_outside_are_escaped() -> None:
    """A target, a reason or a model name cannot put markup into the page."""
    evil = "<script>alert(1)</script>"
    page = Page(render(result(target=evil, reasons=[evil], environment={evil: evil}), []))
    assert "script" not in page.tags
    assert page.text.count(evil) >= 4


def test_a_partial_result_says_so() -> None:
    """An interrupted run cannot be taken for a whole one, and renders without any sample."""
    text = Page(render(result(interrupted=True, verdict=Verdict.INVALID, reasons=["interrupted"]), [])).text
    assert "interrupted: partial result" in text
    assert "The figures cannot be believed." in text


@given(st.lists(st.floats(0.01, 10**6), min_size=1, max_size=400), st.floats(0.01, 10**6))
def test_every_curve_stays_inside_its_plot(latencies: list[float], bound: float) -> None:
    """Whatever the latencies, the drawing is well-formed and its marks lie between the axes."""
    curve = Curve("hit", sorted(latencies), bound)
    drawing = ET.fromstring(str(plot("recipe", [curve], common_axis([curve]))))  # noqa: S314 - made here
    circles = [element for element in drawing if element.tag.endswith("circle")]
    assert circles
    assert all(35 <= float(circle.get("cx", "")) <= 351 for circle in circles)


def test_a_long_curve_stays_small() -> None:
    """Samples that fall on the same tenth of a pixel make one step."""
    curve = Curve("hit", [1 + number / 1000 for number in range(50_000)], None)
    assert len(str(plot("recipe", [curve], common_axis([curve])))) < 100_000


def test_an_axis_covers_whole_decades() -> None:
    """Ends lie on powers of ten, which are its ticks."""
    axis = LogAxis.around([2.0, 300.0], 0.0, 300.0)
    assert list(axis.decades()) == [1, 10, 100, 1000]
    assert [axis.at(value) for value in (1, 10, 1000)] == pytest.approx([0, 100, 300])
    assert LogAxis.around([10.0], 0.0, 1.0).high > LogAxis.around([10.0], 0.0, 1.0).low


def test_junit_shows_bounds_and_evidence_as_tests() -> None:
    """Broken evidence is an error, a broken bound a failure, the rest is skipped with its reason."""
    samples = [hit(500.0) for _ in range(100)]
    bounds = [
        verdicts.judge(parse_threshold("latency{task:recipe,cache:hit}", "p(95)<100", gated=True), samples),
        verdicts.judge(parse_threshold("latency{task:recipe,cache:miss}", "p(95)<100", gated=True), samples),
        verdicts.judge(parse_threshold("failures", "rate<0.5", gated=True), samples),
        verdicts.judge(parse_threshold("failures", "rate<0.5", gated=False), samples),
    ]
    findings = [
        Finding(rule="r", phase="cached", task="recipe", holds=holds, detail="<why>") for holds in (True, False)
    ]
    suite = ET.fromstring(render_junit(result(thresholds=bounds, evidence=findings, interrupted=True)))  # noqa: S314 - ours
    counts = [suite.get(name) for name in ("tests", "errors", "failures", "skipped")]
    assert counts == ["7", "2", "1", "2"]


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "-"),
        (0.5, "0.50 ms"),
        (9.994, "9.99 ms"),
        (9.996, "10.0 ms"),
        (99.97, "100 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (65_432.1, "65.4 s"),
    ],
)
def test_latencies_have_three_digits(milliseconds: float | None, text: str) -> None:
    """The unit changes where it reads better, and rounding never gives 1000 ms."""
    assert format_ms(milliseconds) == text


def test_shares_ratios_and_bounds_read_naturally() -> None:
    """A bound has no needless digits."""
    assert [format_share(None), format_share(0.0125)] == ["-", "1.25%"]
    assert [format_ratio(None), format_ratio(1.26), format_ratio(1234.5)] == ["-", "1.3x", "1,234x"]
    assert format_threshold("failures", "rate<0.1") == "failures rate<0.1"
    assert [format_bound("ms", 100), format_bound("ms", 5000), format_bound("share", 0.01)] == ["100 ms", "5 s", "1%"]
