"""HdrHistogram's own reader reads the log back, to three digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped] # has none

from bench.report.hdr import render_hdr
from bench.verdict.summaries import summarize_phase
from tests.unit.bench.records import cached_record, hit, result

if TYPE_CHECKING:
    from bench.samples import Sample


def test_every_success_is_in_the_log_of_its_phase() -> None:
    """Percentiles are those of the samples; failures and warm-up are not in it."""
    samples: list[Sample] = [hit(float(ms)) for ms in range(1, 1001)]
    others = [hit(9999.0, failure="HTTP 503"), hit(9999.0, warmup=True)]
    whole = result(phases=[summarize_phase(cached_record(samples), [])])
    lines = [line for line in render_hdr(whole, [*samples, *others]).decode().splitlines() if line.startswith("Tag=")]
    (line,) = lines
    tag, _begin, _length, _greatest, payload = line.split(",")
    histogram = HdrHistogram.decode(payload)
    assert (tag, histogram.get_total_count()) == ("Tag=cached-recipe", 1000)
    assert histogram.get_value_at_percentile(99.9) == pytest.approx(999_000, rel=0.001)
