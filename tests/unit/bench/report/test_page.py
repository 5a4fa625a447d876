"""The report stands alone, tells everything, and trusts no string it shows."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bench.capacity.curve import Curve, Point, Step
from bench.compare.comparison import Change, Comparison, Row
from bench.compare.failures import FailureRow
from bench.compare.statistics import Shift
from bench.evidence.rules import examine
from bench.load.plan import WORKLOADS
from bench.report.capacity import draw_capacity
from bench.report.ecdf import Curve as Distribution
from bench.report.ecdf import common_axis, plot
from bench.report.failures import draw_failures
from bench.report.page import render
from bench.report.sparklines import draw_bound
from bench.report.svg import LogAxis
from bench.report.timeline import draw_timeline
from bench.results import Annotation, GpuUse, HitRatio, Measurement, Result, Verdict
from bench.verdict import summaries, verdicts
from bench.verdict.thresholds import METRICS, parse_threshold
from tests.unit.bench.records import cached_record, hit, miss, result, uncached_record

if TYPE_CHECKING:
    from bench.samples import Sample

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


POINT = Point(
    hit_ratio=0.9,
    capacity=40.0,
    broken=50.0,
    saturated="Ollama slots",
    steps=[Step(rate=50.0, kept=False, p_ms=900.0, failures=0.5, samples=99, used={"Ollama slots": 1.0}, note="slow")],
)
CURVE = Curve(
    target="http://target.example",
    task="recipe",
    bound="p(95)<100",
    method="By halves.",
    started_at="2026-01-02T03:04:05+00:00",
    duration_s=60.0,
    interrupted=False,
    environment={},
    points=[POINT],
)


def full_result() -> tuple[Result, list[Sample]]:
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
        tasks=summaries.summarize_tasks(samples, bounds, findings),
        thresholds=bounds,
        evidence=findings,
        phases=[summaries.summarize_phase(record, thresholds) for record in records],
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


def test_every_word_of_the_page_is_explained_in_it() -> None:
    """Metrics, workloads, verdicts and the headings of columns: a list of terms has each."""
    terms = re.findall(r"<dt>(.*?)</dt>", render(result(), []))
    explained = {word.strip() for term in terms for word in term.split(",")}
    columns = {"offered", "achieved", "response time", "service time", "p50", "p99.9", "n", "gated", "lag", "goodput"}
    assert {*METRICS, *WORKLOADS, *Verdict, *columns} - explained == set()


def test_strings_from_outside_are_escaped() -> None:
    """A target, a reason or a model name cannot put markup into the page."""
    evil = "<script>alert(1)</script>"
    page = Page(render(result(target=evil, reasons=[evil], environment={evil: evil}), []))
    assert "script" not in page.tags
    assert page.text.count(evil) >= 4


def failing_result(bound: str = "p(95)<200") -> tuple[Result, list[Sample]]:
    """Return a result in which half of the cached requests failed, for two reasons, and its samples."""
    failures = ["HTTP 503"] * 60 + ["ConnectionResetError: reset"] * 40
    samples = [*(hit(float(ms)) for ms in range(1, 101)), *(hit(failure=failure) for failure in failures)]
    record = cached_record(samples)
    bounds = [verdicts.judge(parse_threshold("latency{task:recipe,cache:hit}", bound, gated=False), samples)]
    phase = replace(summaries.summarize_phase(record, []), started_s=1.0, wall_s=9.0)
    tasks = summaries.summarize_tasks(samples, bounds, [])
    return result(tasks=tasks, thresholds=bounds, phases=[phase]), samples


def test_failures_are_never_answered_in_every_figure_of_the_page() -> None:
    """The curve ends at a half, percentiles beyond it are none, kinds are counted in the card and over time."""
    whole, samples = failing_result()
    text = " ".join(Page(render(whole, samples)).text.split())
    for expected in (
        "50.0% never answered",
        "p95 never",
        "1.00 ms 10.0 ms 50.0 ms 100 ms never never never never never 100 ms 100",
        "failed: 60 x HTTP 503, 40 x reset",
        "cached recipe 100 200 60 x HTTP 503, 40 x reset",
        "60 x HTTP 503 40 x reset 0 s",
    ):
        assert expected in text, expected
    drawing = ET.fromstring(str(draw_failures(whole, samples)))  # noqa: S314 - made here
    assert len([element for element in drawing if element.get("class") == "failed"]) == 2


def test_a_bound_that_is_shown_and_broken_is_said_at_the_green_card() -> None:
    """And in the headline, and in its row."""
    whole, samples = failing_result("p(50)<2")
    text = " ".join(Page(render(whole, samples)).text.split())
    assert whole.thresholds[0].verdict is Verdict.FAIL
    assert "PASS Every gated bound is kept, and proven; 1 bound that is only shown is broken." in text
    assert "latency recipe hit p(50)<2 is broken (50.0 ms); it is shown, and does not decide here" in text
    assert "broken (shown, not gated)" in text


def test_how_many_times_faster_is_said_with_its_interval_or_not_at_all() -> None:
    """Four computed answers tell nothing; forty do."""
    for count, expected in (
        (4, "Too few answers to say how many times faster the cache is: 4 uncached, 1000 cached."),
        (40, "x faster from the cache, at the median ("),
    ):
        samples = [
            *(miss(3000.0 + n * 7 % 40) for n in range(count)),
            *(hit(2.0 + n * 7 % 10 / 10) for n in range(1000)),
        ]
        (recipe, *_) = tasks = summaries.summarize_tasks(samples, [], [])
        text = " ".join(Page(render(result(tasks=tasks), samples)).text.split())
        assert expected in text
        if count == 40:
            assert recipe.ratio is not None
            assert recipe.ratio_low is not None
            assert recipe.ratio_high is not None
            assert recipe.ratio_low < recipe.ratio < recipe.ratio_high


def test_offered_and_achieved_rate_and_both_times_are_shown() -> None:
    """A request that was sent 20 ms late took 5 ms of service and 25 of response."""
    samples = [hit(25.0, intended_ns=n * 10**7, start_ns=n * 10**7 + 20 * 10**6) for n in range(101)]
    phase = summaries.summarize_phase(cached_record(samples), [])
    assert phase.offered == pytest.approx(100)
    assert phase.service is not None
    assert phase.service.p999_ms == 5
    assert phase.response is not None
    assert phase.response.p95_ms == 25
    assert phase.achieved == pytest.approx(101 / 1.025)
    assert phase.within == {"1": 0, "5": 0, "10": 0, "50": phase.achieved, "100": phase.achieved}
    text = " ".join(Page(render(result(phases=[phase]), [])).text.split())
    assert "cached recipe 100/s 98.5/s 0.00/s 0.00/s 0.00/s 98.5/s 98.5/s response 25.0 ms" in text
    assert "service 5.00 ms 5.00 ms 5.00 ms 5.00 ms 5.00 ms" in text


def compared() -> Comparison:
    """Return a comparison in which one scope became slower in each of three rounds, and more failed."""
    shift = Shift(p=0.001, ratio=2.0, low=1.9, high=2.1)
    runs = ((1.0, 1.1, 0.9), (2.0, 2.2, 1.8))
    row = Row("recipe hit", "p50", True, 1.0, 2.0, shift, 1.0, Change.SLOWER, None, *runs)
    failing = FailureRow("cached", "recipe", (0, 100), (20, 100), {"HTTP 503": 20}, 0.001)
    return Comparison([row], ["x: a -> b"], [], [failing], Verdict.FAIL)


def test_a_comparison_stands_in_the_page() -> None:
    """With the interval that runs of one code have anyway, and with what failed."""
    text = " ".join(Page(render(result(), [], comparison=("MONDAY", compared()))).text.split())
    assert "Compared with MONDAY FAIL" in text
    assert "recipe hit p50 1.00 ms 2.00 ms 2.00 (1.90 to 2.10) 0.001 SLOWER" in text
    assert "failed in cached recipe 0 of 100 20 of 100 0.001 MORE FAIL" in text


def test_a_bound_that_allows_nothing_is_drawn() -> None:
    """No failure allowed, one happened: a full bar, and no division by nothing."""
    none = parse_threshold("failures{phase:cached}", "count<=0", gated=True)
    for samples in ([hit()], [hit(failure="HTTP 500")]):
        assert "<rect" in str(draw_bound(verdicts.judge(none, samples)))


def test_a_partial_result_says_so() -> None:
    """An interrupted run cannot be taken for a whole one, and renders without any sample."""
    text = Page(render(result(interrupted=True, verdict=Verdict.INVALID, reasons=["interrupted"]), [])).text
    assert "interrupted: partial result" in text
    assert "The run was interrupted." in text
    stopped = result(stopped="Locust was killed", verdict=Verdict.INVALID, reasons=["Locust was killed"])
    assert "The run ended before its end." in Page(render(stopped, [])).text
    broken = result(stopped="HTTP 429", verdict=Verdict.FAIL, reasons=["HTTP 429"])
    assert "The service does not work." in Page(render(broken, [])).text


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


def test_every_plot_has_words_and_figures_beside_it() -> None:
    """Whoever cannot see a drawing is told what it shows, and finds its figures in a table."""
    whole, samples = full_result()
    page = Page(render(whole, samples, CURVE))
    drawings = [name for name in page.tags if name == "svg"]
    assert len([value for name, value in page.attributes if name == "aria-label" and value]) == len(drawings)
    assert "1.00 ms 5.00 ms 25.0 ms 50.0 ms 75.0 ms 90.0 ms 95.0 ms 99.0 ms 100 ms 100 ms 0" in " ".join(
        page.text.split()
    )


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


def test_hit_ratios_measurements_and_capacity_are_shown_where_they_are() -> None:
    """And their sections are absent where nothing was measured."""
    ratio = HitRatio(
        task="recipe", catalogue=20, exponent=0.9, requests=120, predicted=0.83, low=0.78, high=0.87, measured=0.5
    )
    gap = Measurement(metric="token_gap", phase="stream", task="recipe", values=[30.0, 20.0, 90.0], note="of a stream")
    page = Page(render(result(hit_ratios=[ratio], measurements=[gap]), [], CURVE))
    text = " ".join(page.text.split())
    for expected in ("83% 78% to 87% 50%", "token_gap stream recipe 3 30.0 ms 90.0 ms of a stream"):
        assert expected in text
    assert "90% 40.0/s 50.0/s Ollama slots 1" in text
    assert "90% 50.0/s broken 900 ms 50% 99 Ollama slots 100 % slow" in text
    bare = Page(render(result(), [])).text
    assert not [title for title in ("Hit ratio", "Streams, herds", "Capacity") if title in bare]


def test_gpu_figures_are_shown_or_said_to_be_absent() -> None:
    """Energy by phase where it was sampled; else the reason why there is none."""
    whole, samples = full_result()
    use = GpuUse(readings=9, utilization=0.87, memory_mib=4321.0, watts=212.4, joules_per_1000=None)
    sampled = replace(whole, phases=[replace(whole.phases[0], gpu=use), *whole.phases[1:]])
    assert "87% 4,321 MiB 212 W - 9" in " ".join(Page(render(sampled, samples)).text.split())
    absent = replace(whole, environment={"GPU": "none sampled (no nvidia-smi)"})
    assert "No figure: none sampled (no nvidia-smi)." in Page(render(absent, samples)).text


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1e5), st.none() | st.floats(0.2, 1e5)), min_size=1, max_size=9))
def test_every_capacity_lies_inside_its_plot(points: list[tuple[float, float, float | None]]) -> None:
    """Also a capacity of nothing at all, which a logarithmic axis has no place for."""
    curve = replace(CURVE, points=[replace(POINT, hit_ratio=h, capacity=c, broken=b) for h, c, b in points])
    svg = ET.fromstring(str(draw_capacity(curve)))  # noqa: S314 - made here
    dots = [element for element in svg if element.tag.endswith("circle")]
    assert len(dots) == len(points)
    assert all(20 <= float(dot.get("cy", "")) <= 215 for dot in dots)
