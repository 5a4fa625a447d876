"""A program's failure is told with what it said; none runs without end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lab.command import follow, run
from lab.errors import CommandFailedError, CommandTimeoutError


def test_output_is_returned() -> None:
    """A program that succeeds gives what it printed."""
    assert run(["printf", "%s", "a b"], timeout_s=5) == "a b"


def test_failure_shows_status_and_the_end_of_the_output() -> None:
    """The last lines of both streams are in the error."""
    with pytest.raises(CommandFailedError, match=r"exit status 3\n.*why it failed"):
        run(["sh", "-c", "echo why it failed >&2; exit 3"], timeout_s=5)


def test_missing_program_is_named() -> None:
    """A program that is not installed is an error with its name."""
    with pytest.raises(CommandFailedError, match="no-such-program: not installed"):
        run(["no-such-program"], timeout_s=5)


def test_program_that_runs_too_long_is_ended() -> None:
    """The deadline is an error that names the program."""
    with pytest.raises(CommandFailedError, match="not finished after"):
        run(["sleep", "30"], timeout_s=0.1)


def test_lines_are_handed_over_as_they_come() -> None:
    """Both streams, in their order, the last line also without an end; the exit status is returned."""
    lines: list[str] = []
    assert follow(["sh", "-c", "echo one; echo two >&2; printf three; exit 4"], lines.append, timeout_s=20) == 4
    assert lines == ["one", "two", "three"]


def test_missing_program_that_would_be_followed_is_named() -> None:
    """As where its output is not followed."""
    with pytest.raises(CommandFailedError, match="no-such-program: not installed"):
        follow(["no-such-program"], print, timeout_s=20)


def test_followed_program_that_runs_too_long_is_ended() -> None:
    """The deadline is an error of its own kind that names the program."""
    with pytest.raises(CommandTimeoutError, match=r"sleep 600 …: not finished after 0 s"):
        follow(["sleep", "600"], print, timeout_s=0.1)


def test_line_that_cannot_be_taken_ends_the_whole_process_group() -> None:
    """A full disk under the transcript leaves nothing running, of what the program started neither."""
    lines: list[str] = []

    def take(line: str) -> None:
        lines.append(line)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        follow(["sh", "-c", "sleep 600 & echo $!; wait"], take, timeout_s=60)
    assert is_gone(int(lines[0]))


def test_process_that_left_the_group_with_the_pipe_holds_nobody_up(tmp_path: Path) -> None:
    """The program's end is the end, whoever still could write."""
    child = tmp_path / "child"
    script = f"setsid sleep 600 & echo $! > {child}; echo done"
    lines: list[str] = []
    assert follow(["sh", "-c", script], lines.append, timeout_s=60) == 0
    assert lines == ["done"]
    os.kill(int(child.read_text()), 9)


def is_gone(pid: int) -> bool:
    """Whether a process has ended, if need be after a moment; one that nobody reaps counts as ended."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
