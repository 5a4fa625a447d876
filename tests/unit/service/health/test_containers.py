"""What the service says of containers, from the file of a timer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ai_service.health.containers import MAX_BYTES, STALE_S, ContainerStatus
from tests.unit.service.fakes import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

OLLAMA = {"name": "alchemorsel-ollama", "state": "running", "health": "healthy", "memory_bytes": 1024, "gpu": False}


def written(folder: Path, clock: FakeClock, **more: Any) -> ContainerStatus:
    """Write a current status file with one running container."""
    path = folder / "containers.json"
    path.write_text(json.dumps({"time": clock(), "containers": [OLLAMA], **more}))
    return ContainerStatus(path, clock=clock)


def test_what_the_file_says_is_repeated_with_its_age(tmp_path: Path) -> None:
    """What is not known of a container is none."""
    clock = FakeClock()
    status = written(tmp_path, clock)
    clock.advance(20)
    report = status.report()
    assert report is not None
    assert (report.age_s, report.stale) == (20, False)
    told = msgspec.to_builtins(report.containers[0])
    assert told == {"restarts": None, "memory_limit_bytes": None, "cpu_cores": None, "cpu_limit_cores": None, **OLLAMA}


def test_an_old_file_is_marked(tmp_path: Path) -> None:
    """The timer is gone, or the collector hangs."""
    clock = FakeClock()
    status = written(tmp_path, clock)
    clock.advance(STALE_S + 1)
    report = status.report()
    assert report is not None
    assert report.stale


VALID = '{"time": 1, "containers": []}'


@pytest.mark.parametrize("text", ["", "{", "[]", '{"time": "now", "containers": []}', " " * MAX_BYTES + VALID])
def test_what_cannot_be_understood_is_not_known(tmp_path: Path, text: str) -> None:
    """Never an error; a file without end is not read to its end."""
    (tmp_path / "containers.json").write_text(text)
    assert ContainerStatus(tmp_path / "containers.json").report() is None


def test_a_host_without_the_file_knows_nothing(tmp_path: Path) -> None:
    """Containers are elsewhere, or there are none."""
    assert ContainerStatus(tmp_path / "none.json").report() is None


def test_fields_of_a_later_collector_are_passed_over(tmp_path: Path) -> None:
    """Ollama's host may be upgraded before the service's."""
    assert written(tmp_path, FakeClock(), version=2).report() is not None
