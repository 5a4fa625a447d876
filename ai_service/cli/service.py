"""A service of the host: its state, start, stop and log."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ai_service.cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

NOT_INSTALLED = "not on this host"


@dataclass(frozen=True, slots=True)
class State:
    """State of a service.

    Attributes:
        words: "running", "stopped", NOT_INSTALLED, "permission denied", or what its manager says.
        running: Whether it runs.
        detail: Memory and its limit, health, where they are known.
    """

    words: str
    running: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a service's log.

    Attributes:
        time: None where its logger tells none.
        source: Name of the unit or container, without what all of a service have in common.
        text: What was logged.
    """

    time: datetime | None
    source: str
    text: str


class Service(Protocol):
    """A service of the host."""

    def state(self) -> State:
        """Return the state; never raises."""
        ...

    def act(self, verb: str) -> None:
        """Start, stop or restart the service.

        Raises:
            CliError: It could not be done.
        """
        ...

    def log_command(self, *, lines: int | None, since: datetime | None, follow: bool) -> list[str]:
        """Return the command that prints the service's log.

        Args:
            lines: Number of the last lines; None for all.
            since: The oldest line's time; None for any.
            follow: Go on with lines to come.
        """
        ...

    def read_log_line(self, line: str) -> LogLine:
        """Read a line of that command."""
        ...


def become(command: Sequence[str]) -> None:
    """Replace this process by another program.

    Raises:
        CliError: The program is not installed.
    """
    try:
        os.execvp(command[0], list(command))  # noqa: S606 - no shell is wanted
    except FileNotFoundError:
        raise CliError(f"{command[0]} is not on this host.") from None


def megabytes(size: int) -> str:
    """Format a number of bytes in units of 1024."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
