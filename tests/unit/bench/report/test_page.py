"""The report stands alone, tells everything, and trusts no string it shows."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from bench.load.plan import WORKLOADS
from bench.report.failures import draw_failures
from bench.report.page import render
from bench.results import GpuUse, HitRatio, Measurement, Verdict
from bench.verdict import summaries
from bench.verdict.thresholds import METRICS
from tests.unit.bench.records import cached_record, hit, miss, result
from tests.unit.bench.report.html_page import Page
from tests.unit.bench.report.shown_results import CURVE, compared, failing_result, full_result


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


def test_a_comparison_stands_in_the_page() -> None:
    """With the interval that runs of one code have anyway, and with what failed."""
    text = " ".join(Page(render(result(), [], comparison=("MONDAY", compared()))).text.split())
    assert "Compared with MONDAY FAIL" in text
    assert "recipe hit p50 1.00 ms 2.00 ms 2.00 (1.90 to 2.10) 0.001 SLOWER" in text
    assert "failed in cached recipe 0 of 100 20 of 100 0.001 MORE FAIL" in text


def test_a_partial_result_says_so() -> None:
    """An interrupted run cannot be taken for a whole one, and renders without any sample."""
    text = Page(render(result(interrupted=True, verdict=Verdict.INVALID, reasons=["interrupted"]), [])).text
    assert "interrupted: partial result" in text
    assert "The run was interrupted." in text
    stopped = result(stopped="Locust was killed", verdict=Verdict.INVALID, reasons=["Locust was killed"])
    assert "The run ended before its end." in Page(render(stopped, [])).text
    broken = result(stopped="HTTP 429", verdict=Verdict.FAIL, reasons=["HTTP 429"])
    assert "The service does not work." in Page(render(broken, [])).text


def test_every_plot_has_words_and_figures_beside_it() -> None:
    """Whoever cannot see a drawing is told what it shows, and finds its figures in a table."""
    whole, samples = full_result()
    page = Page(render(whole, samples, CURVE))
    drawings = [name for name in page.tags if name == "svg"]
    assert len([value for name, value in page.attributes if name == "aria-label" and value]) == len(drawings)
    assert "1.00 ms 5.00 ms 25.0 ms 50.0 ms 75.0 ms 90.0 ms 95.0 ms 99.0 ms 100 ms 100 ms 0" in " ".join(
        page.text.split()
    )


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
