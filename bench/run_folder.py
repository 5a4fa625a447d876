"""The folder of a run: samples are kept phase by phase, so that whatever ends a run leaves the phases before it.

Everything is written below the folder itself, never to the temporary folder of the machine. A block of bytes is
reserved at the beginning and given back for the result, so that a disk which the samples filled takes what is known.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from bench.atomic_file import write_atomically
from bench.errors import FileFormatError, StorageError, UsageError
from bench.results import Result, encode_result
from bench.samples import Sample, encode_lines, read_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

SAMPLES_FILE = "samples.jsonl"
RESULT_FILE = "result.json"
JUNIT_FILE = "junit.xml"
PAGE_FILE = "report.html"

RESERVED_BYTES = 1024 * 1024
"""For result, JUnit and the page of an ordinary run."""

SAMPLE_BYTES = 1000
"""Of a request: its line in the file of its phase, and in that of the run, for a moment both."""


class RunFolder:
    """A folder while a run goes on.

    Args:
        path: The folder; it is there. Samples of an older run are replaced.
        requests: How many are planned, to find out at once that they will not fit.

    Raises:
        StorageError: The folder cannot be written to, or has too little room.
    """

    def __init__(self, path: Path, requests: int = 0) -> None:
        self.path = path
        self._hash = hashlib.sha256()
        self._reserve = path / ".reserved"
        self._phases = path / ".phases"
        needed, free = RESERVED_BYTES + requests * SAMPLE_BYTES, shutil.disk_usage(path).free
        if free < needed:
            raise StorageError(
                f"{path} has {free / 1e6:.1f} MB of free space; this run needs about {needed / 1e6:.1f} MB"
            )
        try:
            (path / SAMPLES_FILE).write_bytes(b"")
            for stale in (RESULT_FILE, JUNIT_FILE, PAGE_FILE):
                (path / stale).unlink(missing_ok=True)
            shutil.rmtree(self._phases, ignore_errors=True)
            self._phases.mkdir()
            with self._reserve.open("wb") as stream:
                os.posix_fallocate(stream.fileno(), 0, RESERVED_BYTES)
        except OSError as error:
            self._clean()
            raise storage_error(path, error) from error

    @property
    def digest(self) -> str:
        """SHA-256 of the samples that are kept."""
        return self._hash.hexdigest()

    def phase_file(self, name: str) -> Path:
        """Return where a phase writes its samples while it goes on."""
        return self._phases / name

    def keep(self, samples: Sequence[Sample]) -> None:
        """Add a phase's samples to those of the run, all or none, and drop the files of its attempts.

        Raises:
            StorageError: They cannot be written.
        """
        lines, file = encode_lines(samples), self.path / SAMPLES_FILE
        size = file.stat().st_size
        try:
            with file.open("ab", buffering=0) as stream:
                view = memoryview(lines)
                while view:
                    view = view[stream.write(view) :]
        except OSError as error:
            os.truncate(file, size)
            raise storage_error(file, error) from error
        self._hash.update(lines)
        for attempt in self._phases.iterdir():
            attempt.unlink()

    def checkpoint(self, result: Result) -> None:
        """Write what is known so far, in case nobody will be there to write the rest.

        Raises:
            StorageError: It cannot be written.
        """
        try:
            write_atomically(self.path / RESULT_FILE, encode_result(result))
        except OSError as error:
            raise storage_error(self.path / RESULT_FILE, error) from error

    def finish(self, files: Mapping[str, Callable[[], bytes]]) -> None:
        """Write the files of a run, each as well as it goes, in the room that was reserved for them.

        Args:
            files: What makes each file's content, by its name; the most important first.

        Raises:
            StorageError: One of them cannot be written; the others are.
        """
        self._clean()
        failure: StorageError | None = None
        for name, content in files.items():
            try:
                write_atomically(self.path / name, content())
            except OSError as error:
                failure = failure or storage_error(self.path / name, error)
        if failure is not None:
            raise failure

    def _clean(self) -> None:
        with suppress(OSError):
            self._reserve.unlink(missing_ok=True)
        shutil.rmtree(self._phases, ignore_errors=True)


def write_file(path: Path, content: bytes) -> None:
    """Write a file that is made after its run, or apart from any.

    Args:
        path: The file.
        content: Its new content.

    Raises:
        UsageError: Its folder does not exist.
        StorageError: It cannot be written.
    """
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: its folder does not exist")
    try:
        write_atomically(path, content)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def storage_error(path: Path, error: OSError) -> StorageError:
    """Return the error of a program that cannot write, in a sentence."""
    return StorageError(f"cannot write {error.filename or path}: {error.strerror}")


def read_run(folder: Path, result: Result) -> list[Sample]:
    """Read the samples of a run, if they are that run's, all of them.

    Args:
        folder: Of the run.
        result: Of the run.

    Raises:
        FileFormatError: The file is missing, was cut or changed, or is another run's.
    """
    file = folder / result.samples_file
    try:
        content = file.read_bytes()
    except OSError as error:
        raise FileFormatError(
            f"cannot be read ({error.strerror}); a run is judged by its raw samples", str(file)
        ) from error
    samples, _end = read_samples(file)
    sent = sum(phase.sent + phase.dropped for phase in result.phases)
    if result.samples_digest and hashlib.sha256(content).hexdigest() != result.samples_digest:
        wrong = f"it has {len(samples)}, the run sent {sent}" if len(samples) != sent else "its content was changed"
        raise FileFormatError(
            f"is not what the run of {result.started_at} wrote: {wrong}; expected the file beside its result.json",
            str(file),
        )
    # Runs from before digests were kept have the number alone.
    if not result.samples_digest and len(samples) != sent:
        raise FileFormatError(f"has {len(samples)} samples, the run of {result.started_at} sent {sent}", str(file))
    return samples
