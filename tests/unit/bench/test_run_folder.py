"""A run's folder keeps what was measured, whatever becomes of the rest, and reads back nothing else."""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from bench.command_line import new_folder
from bench.errors import FileFormatError, StorageError, UsageError
from bench.results import encode_result
from bench.run_folder import SAMPLES_FILE, RunFolder, read_run, write_file
from bench.samples import read_samples
from bench.verdict.summaries import summarize_phase
from tests.unit.bench.records import cached_record, hit, result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.results import Result


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file of this process may grow beyond 20,000 bytes, which fails as a full disk does: with an OSError."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def kept(folder: Path, count: int = 3) -> Result:
    """Keep so many samples, and return their result."""
    samples = [hit(float(number + 1)) for number in range(count)]
    run = RunFolder(folder)
    run.keep(samples)
    whole = result(phases=[summarize_phase(cached_record(samples), [])], samples_digest=run.digest)
    run.finish({"result.json": lambda: encode_result(whole)})
    return whole


def test_what_is_kept_comes_back_and_nothing_else_is_left(tmp_path: Path) -> None:
    """No reserve, no file of a phase."""
    assert len(read_run(tmp_path, kept(tmp_path))) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["result.json", SAMPLES_FILE]


def test_a_full_disk_keeps_the_phases_before(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The phase that does not fit is left out whole: no cut line."""
    run = RunFolder(tmp_path)
    run.keep([hit()] * 3)
    request.getfixturevalue("small_files")
    with pytest.raises(StorageError, match=r"cannot write .*samples\.jsonl: File too large"):
        run.keep([hit()] * 100)
    assert len(read_samples(tmp_path / SAMPLES_FILE)[0]) == 3
    with pytest.raises(StorageError, match=r"cannot write .*report.html: File too large"):
        run.finish({"report.html": lambda: b"x" * 30_000, "result.json": lambda: b"{}"})
    assert (tmp_path / "result.json").read_bytes() == b"{}"


@pytest.mark.usefixtures("small_files")
def test_what_is_written_apart_from_a_run_needs_its_folder_and_room(tmp_path: Path) -> None:
    """A wrong path is the command line's mistake, a full disk is none; neither leaves half a file."""
    with pytest.raises(UsageError, match=r"cannot write .*none/page\.html: its folder does not exist"):
        write_file(tmp_path / "none" / "page.html", b"x")
    with pytest.raises(StorageError, match=r"cannot write .*/page\.html: File too large"):
        write_file(tmp_path / "page.html", b"x" * 30_000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_files")
def test_a_disk_without_room_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    """The reserve cannot be made."""
    with pytest.raises(StorageError, match="File too large"):
        RunFolder(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name != SAMPLES_FILE] == []


def test_a_run_that_cannot_fit_is_refused_with_what_it_needs(tmp_path: Path) -> None:
    """By the number of requests that are planned."""
    with pytest.raises(StorageError, match=r"MB of free space; this run needs about [\d.]+ MB"):
        RunFolder(tmp_path, requests=10**13)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda file: file.unlink(), "cannot be read"),
        (lambda file: os.truncate(file, file.stat().st_size - 5), "it has 2, the run sent 3"),
        (lambda file: file.write_bytes(file.read_bytes() * 2), "it has 6, the run sent 3"),
        (lambda file: file.write_bytes(file.read_bytes().replace(b"ollama", b"openai")), "its content was changed"),
    ],
)
def test_samples_that_are_not_the_runs_are_refused(
    tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    """Missing, cut, too many, or of another run."""
    whole = kept(tmp_path)
    spoil(tmp_path / SAMPLES_FILE)
    with pytest.raises(FileFormatError, match=message):
        read_run(tmp_path, whole)


def test_a_run_from_before_digests_is_held_to_its_numbers(tmp_path: Path) -> None:
    """Older results are read, unless the file is plainly not theirs."""
    older = replace(kept(tmp_path), samples_digest="")
    assert len(read_run(tmp_path, older)) == 3
    (tmp_path / SAMPLES_FILE).write_bytes(b"")
    with pytest.raises(FileFormatError, match=r"has 0 samples, the run of 2026-01-02T03:04:05\+00:00 sent 3"):
        read_run(tmp_path, older)


def test_two_runs_of_one_second_have_a_folder_each(tmp_path: Path) -> None:
    """Three of them, made as fast as it goes: none is shared."""
    made = [new_folder("bench", tmp_path) for _ in range(3)]
    assert len(set(made)) == 3
    assert all(folder.is_dir() for folder in made)
