"""The parts of a host that can be looked at, started, stopped and read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ai_service.cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_HERE = "not on this host"


@dataclass(frozen=True, slots=True)
class State:
    """How a part is.

    Attributes:
        words: "running", "stopped", NOT_HERE, "not yours to see", or what its manager says.
        running: Whether it runs.
        detail: Memory and its limit, health, where they are known.
    """

    words: str
    running: bool
    detail: str = ""


class Component(Protocol):
    """A part of the host."""

    def state(self) -> State:
        """How it is; never raises."""
        ...

    def act(self, verb: str) -> None:
        """Start, stop or restart the component.

        Raises:
            CliError: It could not be done.
        """
        ...

    def follow_command(self, *, lines: int, follow: bool) -> list[str]:
        """Return the command for showing the component's log."""
        ...


def become(command: Sequence[str]) -> None:
    """Becomes another program, which has the terminal to itself.

    Raises:
        CliError: It is not there.
    """
    try:
        os.execvp(command[0], list(command))  # noqa: S606 - no shell is wanted
    except FileNotFoundError:
        raise CliError(f"{command[0]} is not on this host.") from None


def megabytes(size: int) -> str:
    """Bytes as people read them, in units of 1024."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
