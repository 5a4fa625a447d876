"""A program's failure is told with what it said; none runs without end."""

from __future__ import annotations

import pytest

from lab.command import run
from lab.errors import CommandFailedError


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
