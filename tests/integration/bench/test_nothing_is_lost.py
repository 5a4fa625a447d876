"""Whatever ends a run, the real program keeps the phases before it and says at once what happened."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped] # has none
import pytest

from bench.load.generator import GRACE_SECONDS
from bench.results import Verdict, load_result
from bench.run_folder import read_run
from tests.integration.bench.fake_target import Behaviour, FakeTarget
from tests.integration.bench.test_run import SLO, bench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)  # on whatever machine

PHASE = "cached: recipe"
"""What is under way when something happens; three phases have ended."""


def run_until(
    out: Path, act: Callable[[subprocess.Popen[str]], None], *more: str, temporary: Path | None = None
) -> tuple[int, str]:
    """Run until a cached phase has begun to write samples, let something happen, and return status and output."""
    (out.parent / "slo.yml").write_text(SLO.replace("seconds: 2,", "seconds: 20,"), encoding="utf-8")
    arguments: tuple[str | Path, ...] = ("--profile", "test", "--slo", out.parent / "slo.yml", "--out", out, *more)
    with FakeTarget(Behaviour()) as target:
        process = bench("run", "--target", target.url, *arguments, temporary=temporary)
        assert process.stdout is not None
        told = ""
        while PHASE not in told.rpartition("priming")[2]:
            line = process.stdout.readline()
            assert line, told
            told += line
        samples = out / ".phases" / "cached-recipe.jsonl"
        while not (samples.exists() and samples.stat().st_size):
            assert process.poll() is None
        act(process)
        rest, _ = process.communicate(timeout=280)
    return process.returncode, told + rest


def kill_locust(process: subprocess.Popen[str]) -> None:
    """End Locust as the kernel does that lacks memory."""
    (locust,) = psutil.Process(process.pid).children()
    locust.send_signal(signal.SIGKILL)


def assert_three_phases(out: Path) -> None:
    """Check that the phases that had ended are in the result, with their samples, and that nothing is left over."""
    result = load_result(out)
    assert result.verdict is Verdict.INVALID
    assert [phase.phase for phase in result.phases][:3] == ["uncached"] * 3
    assert len([one for one in read_run(out, result) if one.phase == "uncached"]) == 6
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]


def test_a_killed_locust_is_told_at_once_and_costs_no_phase_before(tmp_path: Path) -> None:
    """Status 70, with the signal; the machine's temporary folder is of no use to anybody."""
    status, output = run_until(tmp_path / "out", kill_locust, temporary=tmp_path / "none")
    assert status == 70, output
    assert "Locust was killed in phase cached recipe by signal 9" in output
    assert_three_phases(tmp_path / "out")
    assert "Locust was killed" in load_result(tmp_path / "out").stopped


def stop_locust(process: subprocess.Popen[str]) -> None:
    """End Locust as somebody does who is tired of it: it ends in order, with 0."""
    (locust,) = psutil.Process(process.pid).children()
    locust.send_signal(signal.SIGTERM)


def kill_worker(process: subprocess.Popen[str]) -> None:
    """End one of the processes that make the load."""
    (locust,) = psutil.Process(process.pid).children()
    locust.children()[-1].send_signal(signal.SIGKILL)


@pytest.mark.parametrize(("act", "more"), [(stop_locust, ()), (kill_worker, ("--processes", "2"))])
def test_a_locust_that_cannot_end_its_phase_ends_the_run(
    act: Callable[[subprocess.Popen[str]], None], more: tuple[str, ...], tmp_path: Path
) -> None:
    """At once, and not after the other phases, or when the time of this one has run out."""
    began = time.monotonic()
    status, output = run_until(tmp_path / "out", act, "--workload", "cached", *more)
    assert status == 70, output
    assert "Locust was stopped, or one of its processes was killed, in phase cached recipe; one phase is" in output
    assert [phase.task for phase in load_result(tmp_path / "out").phases] == ["recipe"]
    assert time.monotonic() - began < GRACE_SECONDS


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of its own, of 12 MB of memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system of its own needs root")
def test_a_disk_that_gets_full_is_told_at_once_and_costs_no_phase_before(small_disk: Path) -> None:
    """Status 74; result, JUnit and page are written in the room that was reserved for them."""

    def fill(_process: subprocess.Popen[str]) -> None:
        with (small_disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(b"x" * 4096)

    status, output = run_until(small_disk / "out", fill)
    assert status == 74, output
    assert "No space left on device" in output
    assert_three_phases(small_disk / "out")
    assert (small_disk / "out" / "report.html").stat().st_size > 10_000


def test_a_phase_under_way_is_kept_as_far_as_it_got_when_the_harness_is_killed(tmp_path: Path) -> None:
    """SIGKILL leaves nobody to write anything: result and samples of the phases that had ended are there already."""
    status, _output = run_until(tmp_path / "out", lambda process: process.kill())
    assert status == -signal.SIGKILL
    result = load_result(tmp_path / "out")
    assert (result.verdict, len(result.phases), len(read_run(tmp_path / "out", result))) == (Verdict.INVALID, 3, 6)


def test_two_runs_begun_at_once_have_a_folder_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --out, in the same second."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slo.yml").write_text(SLO, encoding="utf-8")

    def start(url: str) -> str:
        arguments = ("--profile", "test", "--slo", tmp_path / "slo.yml", "--workload", "uncached")
        process = bench("run", "--target", url, *arguments, cwd=tmp_path)
        return process.communicate(timeout=280)[0]

    with FakeTarget() as one, FakeTarget() as other, ThreadPoolExecutor() as pool:
        told = list(pool.map(start, (one.url, other.url)))
    assert all("raw samples" in output for output in told), told
    results = {load_result(folder).target for folder in (tmp_path / "reports").iterdir()}
    assert len(results) == 2
