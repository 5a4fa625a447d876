"""``bench capacity`` as a user runs it; what it finds is left open here."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped] # has none
import pytest

from bench.capacity.curve import load_curve
from tests.integration.bench.fake_target import Behaviour, FakeTarget
from tests.integration.bench.test_run import bench

if TYPE_CHECKING:
    from pathlib import Path

FAST = ("--seconds", "1", "--start", "100", "--most", "200", "--hit-ratios", "1,0.8")


def test_a_capacity_is_found_for_every_hit_ratio(tmp_path: Path) -> None:
    """A target that keeps every rate: the highest that may be tried, with new requests among the known ones."""
    with FakeTarget() as target:
        process = bench("capacity", "--target", target.url, *FAST, "--out", tmp_path)
        output, _ = process.communicate(timeout=280)
    curve = load_curve(tmp_path)
    assert process.returncode == 0, output
    assert [point.hit_ratio for point in curve.points] == [1.0, 0.8]
    assert all(step.used["generator"] > 0 for point in curve.points for step in point.steps)
    assert 8 < target.calls["ingredients"] < 8 + 0.5 * 10 * 200


def test_the_rate_that_breaks_a_bound_is_found(tmp_path: Path) -> None:
    """A target whose hits all take longer than the bound keeps no rate at all."""
    with FakeTarget(Behaviour(hit_seconds=0.2)) as target:
        process = bench("capacity", "--target", target.url, *FAST[:-2], "--hit-ratios", "1", "--out", tmp_path)
        output, _ = process.communicate(timeout=280)
    (point,) = load_curve(tmp_path).points
    assert (point.capacity, point.steps[0].kept) == (0, False), output
    assert process.returncode in {0, 1}, output  # 0 where other programs fill the machine.
    assert (process.returncode == 1) == (not point.at_least) == ("no rate keeps the bounds" in output)
    assert point.steps[0].p_ms is not None
    assert point.steps[0].p_ms >= 200
    assert point.steps[0].note == f"p95 of cached answers {point.steps[0].p_ms:.1f} ms"


@pytest.mark.usefixtures("heeded_interrupts")
def test_an_interrupted_search_leaves_what_it_found(tmp_path: Path) -> None:
    """Marked as such, with status 130 and no half-written file."""
    with FakeTarget() as target:
        process = bench("capacity", "--target", target.url, *FAST, "--out", tmp_path)
        assert process.stdout is not None
        while "kept" not in process.stdout.readline():
            assert process.poll() is None
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert load_curve(tmp_path).interrupted
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]


def test_a_search_whose_locust_is_killed_keeps_the_hit_ratios_before(tmp_path: Path) -> None:
    """Status 70 with the signal, and a curve that is marked as not whole."""
    with FakeTarget() as target:
        process = bench("capacity", "--target", target.url, *FAST, "--start", "200", "--out", tmp_path)
        assert process.stdout is not None
        while "200/s: kept" not in process.stdout.readline():
            assert process.poll() is None
        while not (children := psutil.Process(process.pid).children()):
            assert process.poll() is None
        children[0].send_signal(signal.SIGKILL)
        output, _ = process.communicate(timeout=100)
    assert process.returncode == 70, output
    assert "Locust was killed in phase mixed ingredients by signal 9" in output
    curve = load_curve(tmp_path)
    assert (curve.interrupted, [point.hit_ratio for point in curve.points]) == (True, [1.0])


@pytest.mark.parametrize(("status", "ended"), [(401, 77), (503, 69)])
def test_a_service_that_refuses_the_first_request_is_not_searched(tmp_path: Path, status: int, ended: int) -> None:
    """A key has a status of its own, and what to do."""
    with FakeTarget(Behaviour(refuses_all=status)) as target:
        process = bench("capacity", "--target", target.url, *FAST, "--out", tmp_path)
        output, _ = process.communicate(timeout=60)
    assert (process.returncode, f"HTTP {status}" in output) == (ended, True), output
    assert ("it wants an API key" in output) == (status == 401)


def test_a_search_without_time_for_a_single_rate_has_found_nothing(tmp_path: Path) -> None:
    """Status 2, and not that of a capacity that was found."""
    with FakeTarget() as target:
        process = bench("capacity", "--target", target.url, *FAST, "--minutes", "0.0001", "--out", tmp_path)
        output, _ = process.communicate(timeout=100)
    assert process.returncode == 2, output
    assert "no rate was tried within --minutes" in output
    assert load_curve(tmp_path).points == []


def test_a_service_that_is_not_there_leaves_nothing(tmp_path: Path) -> None:
    """Status 69 with the URL, and no folder."""
    process = bench("capacity", "--target", "http://127.0.0.1:9", "--out", tmp_path / "out")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 69
    assert "http://127.0.0.1:9 does not answer" in output
    assert not (tmp_path / "out").exists()
