"""Figures of a phase that are no latencies of requests: of streams, herds and cold models."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from bench.load.plan import Herds
from bench.results import Measurement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.evidence.rules import PhaseRecord
    from bench.samples import Sample

TOGETHER_NS = 1_000_000
"""Pieces of text within a millisecond came together: no model makes them so fast, and no reader sees them apart."""

BUFFERED = 2
"""Pieces of text an arrival, on average, from which on something between model and reader must collect them."""

_LOAD = re.compile(r"(?:^|,)\s*load\s*;[^,]*?\bdur=([\d.]+)")


def measure(record: PhaseRecord) -> list[Measurement]:
    """Return what a phase is about besides latencies; nothing for most.

    Args:
        record: The phase.
    """
    find = {"stream": _of_streams, "cold": _of_cold_models, "herd": _of_herds}.get(record.phase.name)
    if find is None:
        return []
    return [
        Measurement(metric=metric, phase=record.phase.name, task=record.phase.task, values=values, note=note)
        for metric, values, note in find(record)
        if values
    ]


_Found = tuple[str, list[float], str]


def _of_streams(record: PhaseRecord) -> Iterator[_Found]:
    """Return what a reader of the streams sees: when text comes, not in how many events it was cut.

    Events that come together are one arrival. Forty of them after a pause are no forty fast
    tokens: the pause is the gap.
    """
    streams = [sample.token_ns for sample in record.samples if sample.ok and sample.token_ns]
    bursts = [_arrivals(stream) for stream in streams]
    gaps = [(later - earlier) / 1e6 for arrived in bursts for (earlier, _), (later, _) in itertools.pairwise(arrived)]
    tokens, arrivals = sum(map(len, streams)), sum(map(len, bursts))
    largest = max((count for arrived in bursts for _, count in arrived), default=0)
    yield "ttft", [stream[0] / 1e6 for stream in streams], f"of {len(streams)} streams"
    together = f"{tokens} pieces of text in {arrivals} arrivals, at most {largest} at once"
    if streams and tokens >= BUFFERED * arrivals:
        together += ": something on the way collects them"
    yield "token_gap", gaps, together
    rates = [(len(stream) - 1) / ((stream[-1] - stream[0]) / 1e9) for stream in streams if stream[-1] > stream[0]]
    yield "token_rate", rates, "pieces of text a second after the first, each stream"
    yield "token_burst", [float(count) for arrived in bursts for _, count in arrived], together


def _arrivals(token_ns: Sequence[int]) -> list[tuple[int, int]]:
    """Return (time, pieces of text) of each arrival in a stream."""
    arrived: list[tuple[int, int]] = []
    last_ns = -TOGETHER_NS - 1
    for at_ns in token_ns:
        if at_ns - last_ns <= TOGETHER_NS:
            arrived[-1] = (arrived[-1][0], arrived[-1][1] + 1)
        else:
            arrived.append((at_ns, 1))
        last_ns = at_ns
    return arrived


def _of_cold_models(record: PhaseRecord) -> Iterator[_Found]:
    loads = [float(match[1]) for sample in record.samples if (match := _LOAD.search(sample.server_timing))]
    yield "model_load", [load for load in loads if load], "load of Server-Timing, after Ollama was told to unload"
    sizes = [model.size / 1e6 for model in record.models]
    told = (f"{model.name} {model.size / 1e6:,.0f} MB, {model.size_vram / 1e6:,.0f} of it on a GPU"
            for model in record.models)  # fmt: skip
    yield "model_memory", sizes, "; ".join(told)


def _of_herds(record: PhaseRecord) -> Iterator[_Found]:
    herds: dict[int, list[Sample]] = {}
    for sample in record.samples:
        herds.setdefault(sample.index, []).append(sample)
    people = record.phase.arrivals.people if isinstance(record.phase.arrivals, Herds) else 0
    ratios = [ratio for herd in herds.values() if (ratio := _slowdown(herd)) is not None]
    yield "herd_slowdown", ratios, f"slowest of {people} over the one whose answer was computed, each herd"
    calls = record.grown.called(record.phase.task)
    yield "herd_calls", [calls / len(herds)] if herds else [], f"provider calls: {calls}, herds: {len(herds)}"


def _slowdown(herd: Sequence[Sample]) -> float | None:
    """Return the slowest over the one who was answered by the model; None where nobody was, or somebody failed."""
    computed = [sample.latency_ns for sample in herd if sample.cache == "miss"]
    if not computed or not all(sample.ok for sample in herd):
        return None
    return max(sample.latency_ns for sample in herd) / min(computed)
