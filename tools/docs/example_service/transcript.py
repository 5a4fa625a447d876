"""A transcript: commands that were really run, and what they printed, with usual names in place of this machine's."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from lab.command import follow
from lab.errors import CommandFailedError
from lab.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEADLINE_S = 900.0


class Transcript:
    """Grows with each command.

    Args:
        plain_names: What is shown, by what is there.
    """

    def __init__(self, plain_names: Mapping[str, str]) -> None:
        self._plain_names = plain_names
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        """What there is so far."""
        text = "\n".join([*self._lines, ""])
        for ours, plain in self._plain_names.items():
            text = text.replace(ours, plain)
        return text

    def note(self, *lines: str) -> None:
        """Add lines that are no command's."""
        self._lines += lines

    def run(self, command: str, *, status: int = 0, stamped: bool = False) -> None:
        """Have bash run a command in the checkout, and add it and what it prints.

        Args:
            command: As a reader would type it.
            status: Its exit status, if all is well.
            stamped: Whether each line begins with the seconds since the start at which it came.

        Raises:
            CommandFailedError: It ended with another status, or not in time.
        """
        self._lines += ["", f"$ {command}"]
        begun = time.monotonic()
        printed = len(self._lines)

        def take(line: str) -> None:
            stamp = f"{time.monotonic() - begun:7.3f}  " if stamped else ""
            self._lines.append(f"{stamp}{line.rstrip()}".rstrip())

        # No proxy, and no other setting of whoever makes the recording, has a say.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
        ended = follow(["bash", "-c", command], take, timeout_s=_DEADLINE_S, env=environment, cwd=ROOT)
        if ended != status:
            said = "\n".join(self._lines[printed:][-20:])
            raise CommandFailedError(f"{command}: exit status {ended}, expected {status}; it said:\n{said}")
