"""Every workload through the real ``python -m bench run``: on the real service, with a mock model and a real one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import httpx
import pytest

from ai_service.access.keys import hash_key, new_key
from bench.evidence.ollama import Ollama
from bench.results import Result, Verdict, load_result
from lab.ollama_process import OllamaProcess
from tests.integration.bench.fake_target import FakeTarget
from tests.integration.bench.test_run import bench
from tests.integration.service.program import Program
from tools.perf.budgets.command import system
from tools.perf.peers.cores import Cores

if TYPE_CHECKING:
    from pathlib import Path

SLO = """\
profiles:
  test:
    description: Short phases; bounds so wide that no slow machine breaks them.
    hardware: any
    uncached: {samples: 2, max_seconds: 60}
    cached: {stages: "1s:20-60,1s:60", arrivals: poisson}
    mixed: {rate: 60, seconds: 2, new_share: 0.1}
    zipf: {task: recipe, catalogue: 10, exponent: 0.9, rate: 60, seconds: 2, arrivals: poisson}
    herd: {task: recipe, people: 30, herds: 2, max_seconds: 60}
    stream: {task: nutrition, samples: 1, max_seconds: 60}
    cold: {task: ingredients, samples: 1, max_seconds: 60}
    generator: {max_lag_p99_ms: 2000}
    gate:
      latency{phase:mixed}: p(50)<60000
      model_load: max<60000
"""


def run(folder: Path, *arguments: str) -> Result:
    """Run the profile; its verdict is left open."""
    (folder / "slo.yml").write_text(SLO, encoding="utf-8")
    process = bench("run", "--profile", "test", "--slo", folder / "slo.yml", "--out", folder / "out", *arguments)
    output, _ = process.communicate(timeout=110)
    assert (folder / "out" / "result.json").exists(), output
    return load_result(folder / "out")


def test_zipf_mixes_and_herds_are_proven_on_the_real_service(tmp_path: Path) -> None:
    """The Zipf mix hits as often as theory says, a herd costs one call, and every rule of evidence holds."""
    everywhere = frozenset(os.sched_getaffinity(0))
    with system(tmp_path, Cores(everywhere, everywhere, everywhere), delay_ms=300) as (service, upstream):
        before = upstream.calls()
        result = run(tmp_path, "--target", service.url, "--workload", "zipf,herd")
        calls = upstream.calls() - before
    (ratio,) = result.hit_ratios
    assert ratio.low <= ratio.measured <= ratio.high
    assert [finding for finding in result.evidence if not finding.holds] == []
    zipf = next(phase for phase in result.phases if phase.phase == "zipf")
    assert zipf.cache["miss"] == round((1 - ratio.measured) * ratio.requests)
    measured = {found.metric: found.values for found in result.measurements}
    assert measured["herd_calls"] == [1.0]
    assert len(measured["herd_slowdown"]) == 2
    # The provider's own count: the warm-up, which asks for what is measured, and a call for each of the herds.
    assert calls == 1 + zipf.cache["miss"] + 2


def test_a_mix_of_all_tasks_asks_known_and_new_requests(tmp_path: Path) -> None:
    """On a curve of rates, with Poisson arrivals: a tenth of the requests is new, and each of these is a miss."""
    with FakeTarget() as target:
        result = run(tmp_path, "--target", target.url, "--workload", "cached,mixed")
    assert (result.reasons, result.verdict) == ([], Verdict.PASS)
    mixed = next(phase for phase in result.phases if phase.phase == "mixed")
    assert 1 <= mixed.cache["miss"] < mixed.cache["hit"]
    # The model's warm-up, two known questions of each task, and what was new.
    assert sum(target.calls.values()) == 1 + 3 * 2 + mixed.cache["miss"]
    assert {phase.phase: phase.task for phase in result.phases} == {"cached": "nutrition", "mixed": "all"}


def test_streams_and_cold_models_are_measured_on_the_real_ollama(tmp_path: Path) -> None:
    """Time to the first token, between tokens, to load the model, and what it weighs, each from the real thing."""
    with (
        OllamaProcess() as ollama,
        Program(OLLAMA_HOST=ollama.url, OLLAMA_MODEL=ollama.model) as program,
    ):
        target = str(program.http.base_url).rstrip("/")
        result = run(tmp_path, "--target", target, "--ollama", ollama.url, "--workload", "stream,cold")
        assert result.reasons == []
        measured = {found.metric: found for found in result.measurements}
        stream = next(phase for phase in result.phases if phase.phase == "stream")
        assert 0 < measured["ttft"].values[0] < stream.wall_s * 1000
        assert len(measured["token_gap"].values) > 5
        assert measured["model_load"].values[0] > 0
        assert measured["model_memory"].values[0] > 200
        assert {"Ollama's own account agrees"} <= {finding.rule for finding in result.evidence}


def say_one_word(process: OllamaProcess) -> None:
    """Ask for one token, with five minutes in memory: left to itself, a base model may not come to an end."""
    body = {"model": process.model, "prompt": "hi", "stream": False, "keep_alive": "5m", "options": {"num_predict": 1}}
    httpx.post(f"{process.url}/api/generate", json=body, timeout=60, trust_env=False).raise_for_status()


def test_ollama_tells_whether_it_was_asked_and_unloads() -> None:
    """What it expires when moves with a request, and with nothing else."""
    with OllamaProcess() as process, Ollama(process.url) as ollama:
        say_one_word(process)
        first, again = ollama.steady(), ollama.steady()
        assert first == again
        assert first[0].size > 200e6
        say_one_word(process)
        assert ollama.steady() != first
        ollama.unload()
        assert ollama.loaded() == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--workload", "sprint"), "'sprint' is no workload; expected some of uncached,cached"),
        (("--workload", "cold"), "--workload cold unloads models, so it needs --ollama URL"),
        (("--ollama", "127.0.0.1:11434"), "is no http:// or https:// URL; expected e.g. http://127.0.0.1:11434"),
        (("--processes", "0"), "'0' is no whole number above 0"),
    ],
)
def test_an_impossible_workload_is_refused_with_what_is_right(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """With status 64, before anything is asked."""
    (tmp_path / "slo.yml").write_text(SLO, encoding="utf-8")
    where = ("--target", "http://127.0.0.1:9", "--profile", "test", "--slo", str(tmp_path / "slo.yml"))
    process = bench("run", *where, *arguments)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, message in output) == (64, True), output


def test_a_service_that_wants_a_key_is_measured_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a file, for the load and for single requests alike; the key shows in no file of the run."""
    key = new_key()
    (tmp_path / "keys").write_text(hash_key("bench", key, rate="100000/hour").line(), encoding="ascii")
    (tmp_path / "key").write_text(f"{key}\n", encoding="ascii")
    with (
        OllamaProcess() as ollama,
        Program(OLLAMA_HOST=ollama.url, OLLAMA_MODEL=ollama.model, API_KEYS_FILE=str(tmp_path / "keys")) as program,
    ):
        target = str(program.http.base_url).rstrip("/")
        monkeypatch.setenv("ALCHEMORSEL_BENCH_API_KEY_FILE", str(tmp_path / "key"))
        result = run(tmp_path, "--target", target, "--workload", "herd,stream")
    assert [finding for finding in result.evidence if not finding.holds] == []
    assert all(phase.failures == {} for phase in result.phases)
    assert not [file for file in (tmp_path / "out").iterdir() if key in file.read_text(encoding="utf-8")]


def test_a_key_file_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With status 64, by the variable's name."""
    monkeypatch.setenv("ALCHEMORSEL_BENCH_API_KEY_FILE", str(tmp_path / "none"))
    process = bench("run", "--target", "http://127.0.0.1:9")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 64
    assert "ALCHEMORSEL_BENCH_API_KEY_FILE: cannot read" in output
