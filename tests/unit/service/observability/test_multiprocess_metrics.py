"""The metrics that a host's instances keep together, and what else may lie in their directory."""

from __future__ import annotations

import logging
import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import generate_latest, values
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from ai_service.observability.metrics import Metrics
from ai_service.observability.multiprocess_metrics import FILE_BYTES, KINDS, MetricsFolder, OwnRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUESTS = "alchemorsel_ai_requests"


@pytest.fixture
def folder(tmp_path: Path) -> MetricsFolder:
    """Give a directory with counters of two instances, opened by the first."""
    for instance, count in (("1", 3.0), ("2", 4.0)):
        write(tmp_path / f"counter_{instance}.db", {"task": "recipe"}, count)
    return MetricsFolder(tmp_path, "1")


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo the process-wide changes of opening a folder."""
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    yield
    monkeypatch.undo()


def write(path: Path, labels: dict[str, str], value: float) -> None:
    """Write a file as the library does."""
    key = mmap_key(REQUESTS, f"{REQUESTS}_total", list(labels), list(labels.values()), "Requests for a task.")
    file: Any = MmapedDict(str(path))  # type: ignore[no-untyped-call] # has no types
    file.write_value(key, value, 0.0)
    file.close()


def shown(folder: MetricsFolder) -> str:
    """Read what Prometheus would read."""
    return generate_latest(folder.sum(OwnRegistry())).decode()


def test_counters_of_all_instances_are_summed(folder: MetricsFolder) -> None:
    """Whichever of them is asked."""
    assert f'{REQUESTS}_total{{task="recipe"}} 7.0' in shown(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("counter_3.db", b"\xff" * 64),
        ("counter_3.db", b"\x00\x10\x00\x00"),
        ("counter_3.db", b"\x40\x00\x00\x00\x00\x00\x00\x00\xf0\xff\xff\xff" + b"\x00" * 64),
        ("counter_3.db", b"ab"),
        ("notes.txt", b"hello"),
        ("gauge_all_3.db", b""),
        ("histogram.db", b"\x08\x00\x00\x00\x00\x00\x00\x00"),
        ("summary_3.db", b"\x08\x00\x00\x00\x00\x00\x00\x00"),
    ],
)
def test_damaged_and_foreign_files_are_left_out_and_logged_once(
    folder: MetricsFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, content: bytes
) -> None:
    """The library would raise, or loop for ever over a negative length."""
    (tmp_path / name).write_bytes(content)
    for _ in range(3):
        assert f'{REQUESTS}_total{{task="recipe"}} 7.0' in shown(folder)
    assert [name in record.message for record in caplog.records] == [True]
    assert (tmp_path / name).read_bytes() == content


def test_a_file_that_its_instance_has_just_created_is_no_damage(
    folder: MetricsFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Empty, or nothing but zeros."""
    (tmp_path / "counter_3.db").touch()
    (tmp_path / "histogram_3.db").write_bytes(bytes(4096))
    assert f'{REQUESTS}_total{{task="recipe"}} 7.0' in shown(folder)
    assert caplog.records == []


def test_what_was_damaged_anywhere_is_never_an_error(folder: MetricsFolder, tmp_path: Path) -> None:
    """Bytes changed at random: each time something is shown, if only what is whole."""
    rng = random.Random(7)  # noqa: S311 - the same damage every time
    path = tmp_path / "counter_2.db"
    whole = path.read_bytes()[:256]
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(damaged)
        assert f"{REQUESTS}_total" in shown(folder)


def test_a_directory_that_is_gone_shows_this_instance_alone(folder: MetricsFolder, tmp_path: Path) -> None:
    """Somebody cleaned up; what the process counts goes on."""
    for path in tmp_path.iterdir():
        path.unlink()
    tmp_path.rmdir()
    own = Metrics()
    own.request("recipe", "hit", 200, 0.001)
    text = generate_latest(folder.sum(own.registry)).decode()
    assert f'{REQUESTS}_total{{cache="hit",status="200",task="recipe"}} 1.0' in text


@pytest.mark.usefixtures("restored")
async def test_opening_allocates_files_repairs_and_removes_the_gauges_of_a_killed_process(tmp_path: Path) -> None:
    """Its counters go on; a damaged file of its own begins anew."""
    path = tmp_path / "metrics"
    path.mkdir()
    write(path / "counter_1.db", {"task": "recipe"}, 3.0)
    write(path / "gauge_livesum_1.db", {"task": "recipe"}, 5.0)
    write(path / "gauge_livesum_2.db", {"task": "recipe"}, 6.0)
    (path / "histogram_1.db").write_bytes(b"\xff" * 64)
    folder = MetricsFolder(path, "1")
    assert folder.open()
    assert {file.name for file in path.iterdir()} == {f"{kind}_1.db" for kind in KINDS} | {"gauge_livesum_2.db"}
    assert all(file.stat().st_blocks * 512 >= FILE_BYTES for file in path.glob("*_1.db"))
    metrics = Metrics(folder)
    metrics.request("recipe", "hit", 200, 0.001)
    text = (await metrics.render()).decode()
    assert f'{REQUESTS}_total{{task="recipe"}} 3.0' in text
    assert f'{REQUESTS}_total{{cache="hit",status="200",task="recipe"}} 1.0' in text
    assert f'{REQUESTS}{{task="recipe"}} 5.0' not in text
    assert "process_cpu_seconds_total" in text
    folder.leave()
    assert list(path.glob("gauge_*_1.db")) == []


@pytest.mark.usefixtures("restored")
def test_a_folder_that_cannot_be_used_is_logged_and_does_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Metrics are no reason not to serve."""
    (tmp_path / "taken").touch()
    before = values.ValueClass
    assert not MetricsFolder(tmp_path / "taken", "1").open()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "/metrics shows this instance alone" in caplog.text
    assert values.ValueClass is before
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == ""
