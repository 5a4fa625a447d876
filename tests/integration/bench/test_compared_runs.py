"""Runs that are compared as they are made: ``bench ab``, and ``bench run --baseline``."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from bench.results import load_result
from tests.integration.bench.fake_target import Behaviour, FakeTarget
from tests.integration.bench.test_run import bench

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)  # several runs each, on whatever machine

SLO = """\
profiles:
  test:
    description: One short phase.
    hardware: any
    uncached: {samples: 2, max_seconds: 20}
    cached: {rate: 80, seconds: 2, warmup_seconds: 0.25}
    mixed: {rate: 90, seconds: 1.5, warmup_seconds: 0.25, arrivals: poisson, new_share: 0.01}
    generator: {max_lag_p99_ms: 2000}
    gate:
      latency{phase:mixed,cache:hit}: p(50)<20000
      failures{phase:mixed}: count<=0
"""
FAST, SLOW = Behaviour(miss_seconds=0.01), Behaviour(miss_seconds=0.01, hit_seconds=0.3)


@dataclass(frozen=True)
class Ended:
    """A program that has ended, and its folder."""

    status: int
    output: str
    out: Path


def compared(folder: Path, *arguments: str | Path) -> Ended:
    """Run the program with the profile above."""
    slo, out = folder / "slo.yml", folder / "out"
    slo.write_text(SLO, encoding="utf-8")
    process = bench(*arguments, "--profile", "test", "--slo", slo, "--workload", "mixed", "--out", out)
    output, _ = process.communicate(timeout=280)
    return Ended(process.returncode, output, out)


@pytest.fixture(scope="module")
def turns(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Measure a fast service and a slow one in turns."""
    with FakeTarget(FAST) as old, FakeTarget(SLOW) as new:
        return compared(tmp_path_factory.mktemp("ab"), "ab", "--old", old.url, "--new", new.url, "--rounds", "3")


def test_a_slower_service_is_found_in_turns_and_shown_in_a_page(turns: Ended) -> None:
    """FAIL, with the figure of every round, and a link to the page of every run."""
    assert turns.status == 1, turns.output
    page = (turns.out / "report.html").read_text(encoding="utf-8")
    assert f"report  {turns.out / 'report.html'}" in turns.output
    assert "The new one is worse." in page
    assert page.count("SLOWER</span>") >= 1
    for side in ("old", "new"):
        for number in (1, 2, 3):
            assert f'href="{side}-{number}/report.html"' in page
            assert (turns.out / f"{side}-{number}" / "report.html").exists()
    begun = [line.rpartition(" ")[2] for line in turns.output.splitlines() if line.startswith("round ")]
    assert begun == ["old", "new", "new", "old", "old", "new"]


def test_a_run_is_held_against_a_baseline_in_its_page(turns: Ended, tmp_path: Path) -> None:
    """Slower than it: the run alone would have passed, the status is 1."""
    with FakeTarget(SLOW) as target:
        ended = compared(tmp_path, "run", "--target", target.url, "--baseline", turns.out / "old-1")
    assert ended.status == 1, ended.output
    page = (ended.out / "report.html").read_text(encoding="utf-8")
    began = load_result(turns.out / "old-1").started_at[:16]
    assert f"Compared with the run of {began}" in page
    assert f"Compared with the run of {began}:" in ended.output
    assert load_result(ended.out).reasons == []


def test_a_baseline_under_other_load_is_refused_before_anything_is_sent(turns: Ended, tmp_path: Path) -> None:
    """Status 3, and no folder; the service is not asked."""
    with FakeTarget(FAST) as target:
        slo = tmp_path / "slo.yml"
        slo.write_text(SLO.replace("rate: 90", "rate: 91"), encoding="utf-8")
        arguments = ("--target", target.url, "--profile", "test", "--slo", slo, "--workload", "mixed")
        process = bench("run", *arguments, "--baseline", turns.out / "old-1", "--out", tmp_path / "out")
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "different load in mixed all: OLD open loop, poisson arrivals, 90/s" in output
    assert not (tmp_path / "out").exists()
    assert not target.requests


def test_turns_end_at_the_first_run_that_proves_nothing(tmp_path: Path) -> None:
    """A service that lies about its hits: nine more runs would be in vain."""
    with FakeTarget(FAST) as old, FakeTarget(Behaviour(miss_seconds=0.01, claims_hits=True)) as new:
        ended = compared(tmp_path, "ab", "--old", old.url, "--new", new.url)
    assert ended.status == 3, ended.output
    assert "round 1, new: the run of" in ended.output
    assert f"its page is {ended.out / 'new-1' / 'report.html'}" in ended.output
    assert sorted(path.name for path in ended.out.iterdir()) == ["new-1", "old-1"]


@pytest.mark.usefixtures("heeded_interrupts")
def test_an_interrupt_ends_all_turns(tmp_path: Path) -> None:
    """Not the run under way alone; what it had is kept."""
    (tmp_path / "slo.yml").write_text(SLO, encoding="utf-8")
    out = tmp_path / "out"
    with FakeTarget(FAST) as old, FakeTarget(FAST) as new:
        targets = ("--old", old.url, "--new", new.url, "--profile", "test", "--slo", tmp_path / "slo.yml")
        process = bench("ab", *targets, "--workload", "mixed", "--out", out)
        assert process.stdout is not None
        while "mixed: all" not in process.stdout.readline():
            assert process.poll() is None
        os.kill(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=100)
    assert process.returncode == 130, output
    assert f"interrupted in round 1; the runs before it are in {out}" in output
    assert load_result(out / "old-1").interrupted
    assert not (out / "new-1").exists()
