"""The collector of containers' state, as its timer runs it: against an engine and an Ollama that speak real HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.roles.ansible_module import ROLES
from tests.roles.fake_engine import FakeEngine
from tests.roles.fake_ollama_server import FakeOllamaServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "alchemorsel-ollama"
PROGRAM = ROLES / "ollama" / "files" / "container_status.py"
INSPECT = f"/containers/{NAME}/json"
STATS = f"/containers/{NAME}/stats?stream=false&one-shot=true"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    """Run an empty engine."""
    with FakeEngine(tmp_path / "docker.sock") as fake:
        yield fake


@pytest.fixture
def ollama() -> Iterator[FakeOllamaServer]:
    """Run an Ollama with one model, loaded into memory."""
    with FakeOllamaServer() as fake:
        fake.models["tiny:1b"] = fake.loaded["tiny:1b"] = "weights"
        yield fake


def container(status: str = "running", *, ollama: FakeOllamaServer | None = None, **host: Any) -> dict[str, Any]:
    """Build a container's description in the engine's format."""
    port = [{"HostIp": "0.0.0.0", "HostPort": ollama.url.rpartition(":")[2]}] if ollama else None
    return {
        "State": {"Status": status, "Health": {"Status": "healthy"}},
        "RestartCount": 2,
        "HostConfig": {"Memory": 4 * 2**30, "NanoCpus": 2_000_000_000, **host},
        "NetworkSettings": {"Ports": {"11434/tcp": port}},
    }


def stats(cpu_seconds: float) -> dict[str, Any]:
    """Its statistics, of control groups v2."""
    return {
        "memory_stats": {"usage": 3 * 2**30, "limit": 4 * 2**30, "stats": {"inactive_file": 2**30}},
        "cpu_stats": {"cpu_usage": {"total_usage": int(cpu_seconds * 1e9)}},
    }


def look(folder: Path, *options: str) -> tuple[dict[str, Any], dict[tuple[str, ...], float]]:
    """Run the collector; return its report on the container, and its samples by name and labels except `container`."""
    (folder / "text").mkdir(exist_ok=True)
    files = ["--json", str(folder / "containers.json"), "--text", str(folder / "text" / "containers.prom")]
    subprocess.run(
        [sys.executable, "-I", PROGRAM, *files, "--socket", str(folder / "docker.sock"), *options, NAME],
        timeout=30,
        check=True,
    )
    (found,) = json.loads((folder / "containers.json").read_text())["containers"]
    families = text_string_to_metric_families((folder / "text" / "containers.prom").read_text())
    samples = {
        (s.name, *(value for key, value in s.labels.items() if key != "container")): s.value
        for family in families
        for s in family.samples
    }
    return found, samples


def test_a_running_container_is_told_with_what_it_uses(
    engine: FakeEngine, ollama: FakeOllamaServer, tmp_path: Path
) -> None:
    """Memory as `docker stats` counts it, CPU time, and the models of the Ollama in it."""
    engine.answers = {INSPECT: (200, container(ollama=ollama)), STATS: (200, stats(10))}
    found, samples = look(tmp_path, "--model", "tiny:1b", "--model", "small:2b")
    assert (found["state"], found["health"], found["memory_bytes"]) == ("running", "healthy", 2 * 2**30)
    assert samples["alchemorsel_container_running",] == 1
    assert samples["alchemorsel_container_healthy",] == 1
    assert samples["alchemorsel_container_memory_bytes",] == 2 * 2**30
    assert samples["alchemorsel_container_memory_limit_bytes",] == 4 * 2**30
    assert samples["alchemorsel_container_cpu_seconds_total",] == 10
    assert samples["alchemorsel_container_restarts_total",] == 2
    assert samples["alchemorsel_ollama_model_present", "tiny:1b"] == 1
    assert samples["alchemorsel_ollama_model_present", "small:2b"] == 0
    assert samples["alchemorsel_ollama_model_loaded_bytes", "tiny:1b"] == len("weights")
    assert samples["alchemorsel_ollama_model_gpu_bytes", "tiny:1b"] == 0
    assert samples["alchemorsel_container_status_timestamp_seconds",] > 0


def test_cpus_in_use_are_told_from_the_second_look_on(engine: FakeEngine, tmp_path: Path) -> None:
    """Since the look before; a container that was made anew counts from nothing."""
    engine.answers = {INSPECT: (200, container()), STATS: (200, stats(10))}
    assert look(tmp_path)[0]["cpu_cores"] is None
    engine.answers[STATS] = (200, stats(11))
    assert look(tmp_path)[0]["cpu_cores"] > 0
    engine.answers[STATS] = (200, stats(1))
    assert look(tmp_path)[0]["cpu_cores"] is None


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ((404, {"message": "No such container"}), "missing"),
        ((200, container("exited")), "exited"),
        ((500, {"message": "layer does not exist"}), "unknown"),
        ((200, {"State": None}), "unknown"),
    ],
)
def test_one_that_does_not_run_is_told(
    engine: FakeEngine, tmp_path: Path, answer: tuple[int, object], state: str
) -> None:
    """With why, as far as that is known."""
    engine.answers[INSPECT] = answer
    found, samples = look(tmp_path)
    assert found["state"] == state
    assert samples["alchemorsel_container_running",] == 0


def test_an_engine_that_is_down_is_told(tmp_path: Path) -> None:
    """As a container of which nothing is known; the collector itself does its work."""
    found, samples = look(tmp_path)
    assert found["state"] == "unknown"
    assert samples["alchemorsel_container_running",] == 0


def test_a_silent_ollama_takes_nothing_from_the_container(engine: FakeEngine, tmp_path: Path) -> None:
    """It runs all the same; of models nothing is said."""
    with FakeOllamaServer() as gone:
        described = container(ollama=gone)
    engine.answers = {INSPECT: (200, described), STATS: (200, stats(10))}
    found, samples = look(tmp_path, "--model", "tiny:1b")
    assert (found["state"], found["models"]) == ("running", None)
    assert ("alchemorsel_ollama_model_present", "tiny:1b") not in samples


@pytest.mark.parametrize(
    ("host", "gpu"),
    [
        ({}, 0),
        ({"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=all"]}]}, 1),
        ({"Runtime": "nvidia"}, 1),
        ({"Devices": [{"PathOnHost": "/dev/kfd"}]}, 1),
        ({"Devices": [{"PathOnHost": "/dev/fuse"}]}, 0),
    ],
)
def test_gpus_are_seen_however_they_were_given(
    engine: FakeEngine, tmp_path: Path, host: dict[str, Any], gpu: int
) -> None:
    """As the role gives them: by CDI, by NVIDIA's runtime, as AMD's devices."""
    engine.answers = {INSPECT: (200, container(**host)), STATS: (200, stats(10))}
    assert look(tmp_path)[1]["alchemorsel_container_gpu",] == gpu


CDI: dict[str, Any] = {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=all"]}]}


@pytest.mark.parametrize(
    ("host", "command"),
    [(CDI, ["nvidia-smi", "-L"]), ({"Devices": [{"PathOnHost": "/dev/kfd"}]}, ["sh", "-c", ": <> /dev/kfd"])],
)
def test_gpus_are_asked_inside_of_the_container(
    engine: FakeEngine, tmp_path: Path, host: dict[str, Any], command: list[str]
) -> None:
    """It may have lost them while the host has them; each maker's are asked in their own way."""
    engine.answers = {
        INSPECT: (200, container(**host)),
        STATS: (200, stats(10)),
        f"/containers/{NAME}/exec": (201, {"Id": "e1"}),
        "/exec/e1/start": (200, None),
    }
    for status, answers in ((0, 1), (255, 0)):
        engine.answers["/exec/e1/json"] = (200, {"ExitCode": status})
        assert look(tmp_path)[1]["alchemorsel_container_gpu_answers",] == answers
    assert engine.asked[f"/containers/{NAME}/exec"]["Cmd"] == command


@pytest.mark.parametrize("ending", [(200, {"ExitCode": None}), (500, {"message": "gone"}), (404, {})])
def test_gpus_that_nobody_can_ask_do_not_answer(engine: FakeEngine, tmp_path: Path, ending: tuple[int, object]) -> None:
    """Of the container itself everything is said all the same."""
    engine.answers = {
        INSPECT: (200, container(**CDI)),
        STATS: (200, stats(10)),
        f"/containers/{NAME}/exec": (201, {"Id": "e1"}),
        "/exec/e1/start": (200, None),
        "/exec/e1/json": ending,
    }
    found, samples = look(tmp_path)
    assert samples["alchemorsel_container_gpu_answers",] == 0
    assert (found["state"], samples["alchemorsel_container_memory_bytes",]) == ("running", 2 * 2**30)


def test_without_gpus_nothing_is_asked_in_the_container(engine: FakeEngine, tmp_path: Path) -> None:
    """A command twice a minute is for those that need it."""
    engine.answers = {INSPECT: (200, container()), STATS: (200, stats(10))}
    assert ("alchemorsel_container_gpu_answers",) not in look(tmp_path)[1]
    assert engine.asked == {}


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_file_of_before_stops_nothing(engine: FakeEngine, tmp_path: Path, text: str) -> None:
    """It is written anew."""
    (tmp_path / "containers.json").write_text(text)
    engine.answers = {INSPECT: (200, container()), STATS: (200, stats(10))}
    assert look(tmp_path)[0]["state"] == "running"


def test_without_a_node_exporter_only_the_service_is_told(engine: FakeEngine, tmp_path: Path) -> None:
    """Its package makes the folder; nobody reads a text file before."""
    engine.answers = {INSPECT: (200, container()), STATS: (200, stats(10))}
    files = ["--json", str(tmp_path / "c.json"), "--text", str(tmp_path / "none" / "c.prom")]
    command = [sys.executable, "-I", str(PROGRAM), *files, "--socket", engine.path, NAME]
    subprocess.run(command, timeout=30, check=True)
    assert (tmp_path / "c.json").exists()
    assert not (tmp_path / "none").exists()
