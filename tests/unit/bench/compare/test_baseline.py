"""A baseline is made of proven samples, comes back as it was saved, and nothing else is taken for one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.compare.baseline import condense, encode_baseline, load_baseline
from bench.compare.comparison import Change
from bench.errors import FileFormatError, NotComparableError
from bench.results import Verdict, encode_result
from bench.samples import encode_lines
from bench.verdict.thresholds import parse_threshold
from bench.verdict.verdicts import judge
from tests.unit.bench.compare.runs import a_result, compare, hits, noise, rows, run
from tests.unit.bench.records import hit, result

if TYPE_CHECKING:
    from pathlib import Path


def test_an_invalid_run_is_no_base_for_anything() -> None:
    """Its reasons are told; the same for a run without a proven sample."""
    with pytest.raises(NotComparableError, match=r"is INVALID.*the generator was late") as caught:
        run(hits([1.0]), verdict=Verdict.INVALID, reasons=["the generator was late"])
    assert caught.value.exit_status == Verdict.INVALID.exit_status
    with pytest.raises(NotComparableError, match="has no proven sample"):
        run([hit(failure="HTTP 503")])


def test_only_proven_samples_are_kept_in_order_of_time() -> None:
    """Failures, warm-up and misses in a cached phase are no cached latencies."""
    spoiled = [hit(9.0, warmup=True), hit(9.0, failure="x"), hit(9.0, cache="miss"), hit(9.0, degraded=True)]
    (scope,) = run([*reversed(hits([1.0, 2.0, 3.0])), *spoiled]).scopes
    assert (scope.samples, scope.p50_ms, scope.p95_ms, scope.gated) == (3, [1.0, 2.0, 3.0], [], True)


def test_only_latency_bounds_gate_latencies() -> None:
    """A gated bound on streams, which has no scope of tags, gates no request."""
    samples = hits([1.0, 2.0])
    stream = judge(parse_threshold("ttft", "max<5000", gated=True), samples)
    (scope,) = condense(result(thresholds=[stream]), samples).scopes
    assert not scope.gated


def test_a_baseline_comes_back_as_it_was_saved_and_is_small(tmp_path: Path) -> None:
    """A run's folder, its result.json and the baseline made of it are the same side of a comparison."""
    samples = hits(noise(np.random.default_rng(2), 5000))
    digest = hashlib.sha256(encode_lines(samples)).hexdigest()
    (tmp_path / "result.json").write_bytes(encode_result(a_result(samples, samples_digest=digest)))
    (tmp_path / "samples.jsonl").write_bytes(encode_lines(samples))
    saved = tmp_path / "baseline.json"
    saved.write_bytes(encode_baseline(load_baseline(tmp_path)))
    assert saved.stat().st_size < 10_000
    assert load_baseline(tmp_path) == load_baseline(tmp_path / "result.json")
    both = compare(load_baseline(tmp_path), load_baseline(saved), 0.05)
    assert set(rows(both).values()) == {Change.SAME}
    assert encode_baseline(load_baseline(saved)) == saved.read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"{}", "no baseline and no run"),
        (b"{", "no baseline and no run"),
        (encode_result(result()), "no baseline and no run"),
    ],
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    """A missing or a foreign file is told by its name."""
    file = tmp_path / "baseline.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        load_baseline(file)


def test_a_baseline_of_another_version_and_a_run_without_samples_are_refused(tmp_path: Path) -> None:
    """Both say what is missing."""
    file = tmp_path / "baseline.json"
    file.write_bytes(encode_baseline(run(hits([1.0]))).replace(b'"schema": 1', b'"schema": 9'))
    with pytest.raises(FileFormatError, match="has schema 9; this version reads 1"):
        load_baseline(file)
    (tmp_path / "result.json").write_bytes(encode_result(result()))
    with pytest.raises(FileFormatError, match=r"samples\.jsonl: cannot be read"):
        load_baseline(tmp_path)
