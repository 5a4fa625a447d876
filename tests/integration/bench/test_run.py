"""The real ``python -m bench run`` with real Locust against a fake target whose truth is known."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped] # has none
import pytest

from bench.load.arrivals import Stage
from bench.load.plan import OpenLoop
from bench.results import Result, Verdict, load_result
from bench.samples import Sample, read_samples
from lab.ports import free_port
from tests.integration.bench.fake_target import Behaviour, FakeTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.timeout(300)  # runs side by side, on whatever machine

ROOT = Path(__file__).resolve().parents[3]
STALL_SECONDS = 2.0
SLO = """\
profiles:
  test:
    description: Short phases; bounds so wide that no slow machine breaks them.
    hardware: any
    uncached: {samples: 2, max_seconds: 20}
    cached: {rate: 80, seconds: 2, warmup_seconds: 0.25}
    generator: {max_lag_p99_ms: 2000}
    gate:
      latency{task:recipe,cache:hit}: p(50)<20000
      failures{phase:cached}: rate<0.15
    show:
      latency{task:recipe,cache:miss}: p(95)<20000
"""
DEAD_PROXY = {"HTTP_PROXY": "http://127.0.0.1:9"}
"""Of every program here: nothing would be answered through it."""
PROXY_TOLD = "HTTP_PROXY is set, and not used: the target is reached directly"

BEHAVIOURS: Mapping[str, Behaviour] = {
    "honest": Behaviour(),
    "liar": Behaviour(claims_hits=True),
    "stalling": Behaviour(stall_seconds=STALL_SECONDS, stall_after=60),
    "refusing": Behaviour(fails_every=5),
}
"""The stall comes with the 60th hit: of the first cached phase, after its warm-up."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run left behind."""

    status: int
    output: str
    folder: Path
    left: Result | None
    samples: list[Sample]
    target: FakeTarget

    @property
    def result(self) -> Result:
        """Return the result, of a run that left one."""
        assert self.left is not None, self.output
        return self.left

    def recipe_hits_ms(self) -> list[float]:
        """Return the latencies of the first cached phase after its warm-up, in milliseconds, sorted."""
        chosen = (one for one in self.samples if one.phase == "cached" and one.task == "recipe" and not one.warmup)
        return sorted(one.latency_ns / 1e6 for one in chosen)


def bench(*arguments: str | Path, temporary: Path | None = None, cwd: Path = ROOT) -> subprocess.Popen[str]:
    """Start the program as a user does; `temporary` is where it keeps what a killed run leaves behind."""
    command = [sys.executable, "-m", "bench", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **DEAD_PROXY}
    if temporary is not None:
        environment["TMPDIR"] = str(temporary)
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def run_against(behaviour: Behaviour, folder: Path) -> Run:
    """Run the harness against a target that behaves so."""
    (folder / "slo.yml").write_text(SLO, encoding="utf-8")
    out = folder / "out"
    with FakeTarget(behaviour) as target:
        process = bench("run", "--target", target.url, "--profile", "test", "--slo", folder / "slo.yml", "--out", out)
        output, _ = process.communicate(timeout=280)
    left = load_result(out) if (out / "result.json").exists() else None
    samples, _end = read_samples(out / "samples.jsonl")
    return Run(process.returncode, output, out, left, samples, target)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Run against every behaviour, side by side: nothing here depends on how fast the machine is."""
    folders = [tmp_path_factory.mktemp(name) for name in BEHAVIOURS]
    with ThreadPoolExecutor() as pool:
        return dict(zip(BEHAVIOURS, pool.map(run_against, BEHAVIOURS.values(), folders), strict=True))


def test_an_honest_target_passes(runs: dict[str, Run]) -> None:
    """Exit status 0, every rule of evidence holds, and every arrival is in the samples."""
    run = runs["honest"]
    assert (run.status, run.result.verdict, run.result.reasons) == (0, Verdict.PASS, [])
    assert all(finding.holds for finding in run.result.evidence)
    assert len(run.samples) == 3 * 2 + 3 * 160
    assert {task.task: task.cached.samples for task in run.result.tasks if task.cached} == {
        "recipe": 140,
        "ingredients": 140,
        "nutrition": 140,
    }
    assert all(task.uncached and task.uncached.min_ms >= 50 for task in run.result.tasks)
    assert run.result.environment["service version"] == "9.9.9"
    assert PROXY_TOLD in run.output


def test_a_run_leaves_its_files_and_no_others(runs: dict[str, Run]) -> None:
    """Raw samples, result, JUnit, report, Locust's log; no temporary file."""
    run = runs["honest"]
    assert sorted(path.name for path in run.folder.iterdir()) == [
        "junit.xml",
        "locust.log",
        "report.html",
        "result.json",
        "samples.jsonl",
    ]
    assert str(run.folder / "report.html") in run.output
    first = json.loads((run.folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["cache"] == "miss"
    assert first["server_timing"] == "total;dur=1"


def test_the_cached_phase_asks_what_the_uncached_phase_asked(runs: dict[str, Run]) -> None:
    """Seven computations in all: one for the warm-up, two for each task; every other answer was a hit."""
    assert sum(runs["honest"].target.calls.values()) == 7


def test_a_target_that_lies_about_hits_is_invalid(runs: dict[str, Run]) -> None:
    """Its provider counter gives it away, in both kinds of phases."""
    run = runs["liar"]
    assert (run.status, run.result.verdict) == (3, Verdict.INVALID)
    broken = {(finding.phase, finding.rule) for finding in run.result.evidence if not finding.holds}
    assert ("cached", "provider calls agree with the misses") in broken
    assert ("uncached", "answers are proven to be uncached") in broken


def test_a_stall_shows_in_the_tail(runs: dict[str, Run]) -> None:
    """No coordinated omission: whoever was due during the stall waited for the rest of it, and is counted."""
    run = runs["stalling"]
    latencies = run.recipe_hits_ms()
    due_in_the_first_half = int(80 * STALL_SECONDS / 2)
    waited_half = [latency for latency in latencies if latency >= STALL_SECONDS / 2 * 1000]
    assert len(waited_half) >= due_in_the_first_half - 2
    recipe = next(task for task in run.result.tasks if task.task == "recipe")
    assert recipe.cached is not None
    assert recipe.cached.p99_ms >= 0.9 * STALL_SECONDS * 1000
    assert all(finding.holds for finding in run.result.evidence)


def test_refusals_fail_the_run_and_are_no_samples(runs: dict[str, Run]) -> None:
    """Every fifth hit is refused at once: a broken failure bound, with the reason, proven by agreeing counters."""
    run = runs["refusing"]
    assert (run.status, run.result.verdict) == (1, Verdict.FAIL)
    cached = [phase for phase in run.result.phases if phase.phase == "cached"]
    assert all(phase.failures == {"HTTP 503": phase.failures["HTTP 503"]} for phase in cached)
    assert all(phase.counted == 140 - phase.failures["HTTP 503"] for phase in cached)
    assert all(finding.holds for finding in run.result.evidence)


@pytest.mark.usefixtures("heeded_interrupts")
def test_an_interrupted_run_leaves_a_partial_result_and_no_process(tmp_path: Path) -> None:
    """Ctrl-C in a phase: what was measured is written and marked, Locust is gone, the status is 130."""
    (tmp_path / "slo.yml").write_text(SLO, encoding="utf-8")
    out = tmp_path / "out"
    with FakeTarget(Behaviour(miss_seconds=0.5)) as target:
        process = bench("run", "--target", target.url, "--profile", "test", "--slo", tmp_path / "slo.yml", "--out", out)
        assert process.stdout is not None
        while "uncached: ingredients" not in process.stdout.readline():
            assert process.poll() is None
        generators: list[psutil.Process] = []
        while not generators:
            generators = psutil.Process(process.pid).children(recursive=True)
        os.kill(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=200)
    assert process.returncode == 130
    _gone, alive = psutil.wait_procs(generators, timeout=30)
    assert not alive
    result = load_result(out)
    assert (result.interrupted, result.verdict) == (True, Verdict.INVALID)
    assert result.tasks[0].uncached is not None
    assert "interrupted" in output
    assert "partial result" in (out / "report.html").read_text(encoding="utf-8")
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


def test_the_generator_ends_when_the_harness_is_killed(tmp_path: Path) -> None:
    """Not even SIGKILL leaves load behind that nobody reads."""
    (tmp_path / "slo.yml").write_text(SLO, encoding="utf-8")
    with FakeTarget(Behaviour(miss_seconds=0.5)) as target:
        arguments = ("run", "--target", target.url, "--profile", "test", "--slo", tmp_path / "slo.yml")
        process = bench(*arguments, "--out", tmp_path, temporary=tmp_path)
        generators: list[psutil.Process] = []
        while not generators:
            generators = psutil.Process(process.pid).children()
        process.kill()
        process.communicate(timeout=200)
        _gone, alive = psutil.wait_procs(generators, timeout=30)
    assert not alive


def test_a_target_that_is_not_ready_is_not_measured(tmp_path: Path) -> None:
    """The service's own word is passed on, with status 69."""
    with FakeTarget(Behaviour(ready=False)) as target:
        process = bench("run", "--target", target.url, "--out", tmp_path / "out")
        output, _ = process.communicate(timeout=200)
    assert process.returncode == 69
    assert "/health/ready answers 503 no provider" in output
    assert not (tmp_path / "out").exists()


def test_the_locustfile_works_by_itself() -> None:
    """Plain Locust, headless, closed loop: all three tasks are asked in turn, and it ends when they were."""
    command = [sys.executable, "-m", "locust", "-f", "bench/locustfile.py", "--headless", "--count", "12"]
    with FakeTarget() as target:
        done = subprocess.run(
            [*command, "--users", "2", "--host", target.url],
            cwd=ROOT,
            env={**os.environ, **DEAD_PROXY},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert PROXY_TOLD in done.stderr
    assert {task for task, _cache, _status in target.requests} == {"recipe", "ingredients", "nutrition"}
    assert sum(target.requests.values()) == 12


def test_several_processes_make_one_load(tmp_path: Path) -> None:
    """Two of them send the schedule exactly once between them, and the samples of both are in the evidence."""
    (tmp_path / "slo.yml").write_text(SLO, encoding="utf-8")
    out = tmp_path / "out"
    arguments = ("--profile", "test", "--slo", tmp_path / "slo.yml", "--out", out, "--processes", "2")
    with FakeTarget() as target:
        process = bench("run", "--target", target.url, *arguments)
        output, _ = process.communicate(timeout=280)
    result = load_result(out)
    assert (process.returncode, result.reasons) == (0, []), output
    samples, _end = read_samples(out / "samples.jsonl")
    for task in ("recipe", "ingredients", "nutrition"):
        starts = sorted(one.intended_ns for one in samples if one.phase == "cached" and one.task == task)
        assert starts == [due for _number, due in OpenLoop.steady(80, 2, 0.25).share(0, 1)]


@pytest.mark.parametrize("processes", [1, 2])
def test_the_locustfile_alone_keeps_one_rate_in_all_processes(tmp_path: Path, processes: int) -> None:
    """Plain Locust, open loop: so many arrivals in all, whoever sends them; it ends when they are answered."""
    file = tmp_path / "samples.jsonl"
    command = [sys.executable, "-m", "locust", "-f", "bench/locustfile.py", "--headless", "--samples", str(file)]
    command += ["--arrivals", "poisson", "--rate", "60", "--seconds", "2", "--seed", "seed"]
    port = str(free_port())
    several = ["--processes", "2", "--master-bind-port", port, "--master-port", port] if processes > 1 else []
    with FakeTarget() as target:
        done = subprocess.run(
            [*command, "--host", target.url, *several],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    samples, end = read_samples(file)
    expected = OpenLoop((Stage(2, 60, 60),), 0, "poisson", "seed").count
    assert end is not None
    assert (end.planned, end.sent, end.processes) == (expected, expected, processes)
    assert len(samples) == expected == sum(target.requests.values())


def test_requests_that_a_service_leaves_no_room_for_have_failed(tmp_path: Path) -> None:
    """At 1,500 a second, each answered after half a second, arrivals cannot be sent: the service is too slow."""
    crowded = SLO.replace("rate: 80, seconds: 2, warmup_seconds: 0.25", "rate: 1500, seconds: 1")
    (tmp_path / "slo.yml").write_text(crowded, encoding="utf-8")
    out = tmp_path / "out"
    arguments = ("--profile", "test", "--slo", tmp_path / "slo.yml", "--workload", "cached", "--out", out)
    with FakeTarget(Behaviour(hit_seconds=0.5)) as target:
        process = bench("run", "--target", target.url, *arguments)
        output, _ = process.communicate(timeout=280)
    result = load_result(out)
    dropped = sum(phase.dropped for phase in result.phases)
    assert dropped > 0
    assert sum(phase.failures["not sent"] for phase in result.phases) == dropped
    complete = [finding.holds for finding in result.evidence if finding.rule == "every arrival was sent and recorded"]
    assert all(complete), output
    assert any("x not sent" in reason for reason in result.reasons)
    assert result.verdict in {Verdict.FAIL, Verdict.INVALID}  # A machine under load may make the generator late too.


def test_a_generator_that_cannot_keep_its_schedule_is_invalid(tmp_path: Path) -> None:
    """No process sends within a nanosecond of the schedule; it is tried once more, and then said."""
    (tmp_path / "slo.yml").write_text(SLO.replace("max_lag_p99_ms: 2000", "max_lag_p99_ms: 0.000001"), encoding="utf-8")
    out = tmp_path / "out"
    arguments = ("--profile", "test", "--slo", tmp_path / "slo.yml", "--workload", "cached", "--out", out)
    with FakeTarget() as target:
        process = bench("run", "--target", target.url, *arguments)
        output, _ = process.communicate(timeout=280)
    assert process.returncode == 3, output
    assert "attempt 2, the generator was late before" in " ".join(load_result(out).reasons)


def test_the_locustfile_refuses_a_host_that_is_no_url() -> None:
    """At once, instead of users that fail for ever."""
    command = [sys.executable, "-m", "locust", "-f", "bench/locustfile.py", "--headless", "--host", "nonsense"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "--host 'nonsense' is no http:// or https:// URL; expected e.g. http://127.0.0.1:3010" in done.stderr
