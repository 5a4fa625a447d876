"""The latencies of a run as HdrHistogram's log, which other tools plot and merge: a line for each phase and task."""

from __future__ import annotations

import io
from collections import defaultdict
from typing import TYPE_CHECKING

from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped] # has none
from hdrh.log import HistogramLogWriter  # type: ignore[import-untyped] # as above

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.results import Result
    from bench.samples import Sample

LOWEST_US, HIGHEST_US, DIGITS = 1, 3_600_000_000, 3
"""From a microsecond to an hour, with three significant digits, as HdrHistogram's own tools have by default."""


def render_hdr(result: Result, samples: Iterable[Sample]) -> bytes:
    """Return the log: response times of successes after the warm-up, in microseconds, tagged ``phase-task``.

    Args:
        result: The run, for when its phases began.
        samples: Its raw samples.
    """
    spans = {(phase.phase, phase.task): phase for phase in result.phases}
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for sample in samples:
        if sample.ok and not sample.warmup:
            key = (sample.phase, sample.task)
            groups[key if key in spans else (sample.phase, "all")].append(sample.latency_ns)
    stream = io.StringIO()
    writer = HistogramLogWriter(stream)
    writer.output_comment("[alchemorsel bench, response times in microseconds]")
    writer.output_log_format_version()
    writer.output_legend()
    for (name, task), latencies in groups.items():
        histogram = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)
        for latency in latencies:
            histogram.record_value(max(LOWEST_US, round(latency / 1000)))
        phase = spans.get((name, task))
        begin = phase.started_s if phase else 0.0
        stream.write(f"Tag={name}-{task},")
        # A time of 0 would make the writer take the histogram's own, which has none.
        writer.output_interval_histogram(
            histogram, begin or 1e-6, begin + (phase.wall_s if phase else 0.0) or 1e-6, 1000.0
        )
    return stream.getvalue().encode()
