"""Lines that a thread writes, and what becomes of those that cannot be written."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ai_service.observability.log_writer import LogWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[4]
LINE = b"x" * 99 + b"\n"
PIPE_LINES = 65536 // len(LINE)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Give a pipe not yet read: its read end and its write end."""
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        os.close(descriptor)


def drain(descriptor: int, until: bytes) -> bytes:
    """Read until something has come."""
    found = b""
    while until not in found:
        found += os.read(descriptor, 65536)
    return found


def test_lines_come_in_their_order(pipe: tuple[int, int]) -> None:
    """Whoever writes them."""
    read, write = pipe
    writer = LogWriter(write)
    for number in range(100):
        writer.write(b"%d\n" % number)
    writer.write(b"a\nb\n", 2)
    assert drain(read, b"b\n") == b"".join(b"%d\n" % number for number in range(100)) + b"a\nb\n"


@pytest.mark.parametrize("blocking", [True, False])
def test_a_pipe_that_nobody_reads_blocks_nobody(pipe: tuple[int, int], *, blocking: bool) -> None:
    """What has no room is dropped and counted; read again, what waited comes, then how many are missing."""
    read, write = pipe
    os.set_blocking(write, blocking)
    writer = LogWriter(write, limit_bytes=1000 * len(LINE))
    sent = 5000
    for _ in range(sent):
        writer.write(LINE)
    assert writer.dropped >= sent - 1000 - PIPE_LINES - 1
    dropped = writer.dropped
    found = drain(read, b"dropped\n")
    assert found.count(LINE) == sent - dropped
    assert found.endswith(b"%d log lines were dropped\n" % dropped)
    writer.write(LINE)
    assert drain(read, LINE) == LINE


def test_one_piece_may_be_larger_than_the_limit(pipe: tuple[int, int]) -> None:
    """Nothing waits before it."""
    read, write = pipe
    writer = LogWriter(write, limit_bytes=10)
    writer.write(LINE)
    assert drain(read, LINE) == LINE
    assert writer.dropped == 0


def test_a_full_disk_blocks_nobody(pipe: tuple[int, int]) -> None:
    """Once there is room again, the log says how much is missing, on a line of its own."""
    read, write = pipe
    descriptor = os.open("/dev/full", os.O_WRONLY)
    writer = LogWriter(descriptor)
    for _ in range(10):
        writer.write(LINE)
    writer.flush(10.0)
    assert writer.dropped == 10
    os.dup2(write, descriptor)
    writer.write(b"again\n")
    assert drain(read, b"dropped\n") == b"again\n10 log lines were dropped\n"
    os.close(descriptor)


def test_a_line_that_was_torn_is_ended_before_the_next(tmp_path: Path) -> None:
    """A disk took half of it; whoever reads line by line loses no other."""
    path = tmp_path / "log"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with path.open("wb") as file:
        writer = LogWriter(file.fileno())
        resource.setrlimit(resource.RLIMIT_FSIZE, (150, hard))
        try:
            writer.write(LINE)
            writer.flush(10.0)
            writer.write(LINE)
            writer.flush(10.0)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        writer.write(b"again\n")
        writer.flush(10.0)
    assert path.read_bytes().startswith(LINE + LINE[:50] + b"\nagain\n")
    assert writer.dropped == 1


def test_a_reader_that_is_gone_is_no_error() -> None:
    """`2>&1 | head` ends before the service does."""
    read, write = os.pipe()
    os.close(read)
    writer = LogWriter(write)
    writer.write(LINE)
    writer.flush(10.0)
    assert writer.dropped == 1
    os.close(write)


def test_a_writer_that_is_not_used_has_no_thread() -> None:
    """Importing the package starts none."""
    before = threading.active_count()
    LogWriter(2)
    assert threading.active_count() == before


def run_to_its_end(code: str, stderr: int) -> int:
    """Run a program that logs as the service does, and return its exit status."""
    prelude = "import logging; from ai_service.observability.structured_log import configure; configure('info')\n"
    command = [sys.executable, "-c", prelude + code]
    return subprocess.run(command, cwd=ROOT, stderr=stderr, timeout=30, check=False).returncode


def test_what_was_logged_before_the_end_comes_out_and_so_does_what_ended_it(tmp_path: Path) -> None:
    """A start that fails is explained by both."""
    with (tmp_path / "log").open("wb") as file:
        status = run_to_its_end("logging.error('last words'); raise RuntimeError('nobody caught this')", file.fileno())
    text = (tmp_path / "log").read_text()
    assert status == 1
    assert '"message":"last words"' in text
    assert "RuntimeError: nobody caught this" in text


def test_a_log_that_nobody_reads_does_not_keep_a_program_from_ending(pipe: tuple[int, int]) -> None:
    """It waits a second for a reader, and no longer."""
    assert run_to_its_end("for _ in range(2000): logging.error('x' * 1000)", pipe[1]) == 0
