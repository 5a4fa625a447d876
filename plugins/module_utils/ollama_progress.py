"""How far a module is, left where its action plugin looks: a module cannot print before it ends."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

WRITE_INTERVAL = 0.5
"""Seconds between two writes about the same thing; Ollama tells how far a pull is some 16 times a second."""

LINE_BYTES = 128
"""Every line has this length, so that a shorter one leaves nothing of a longer one before it."""


class Report(Protocol):
    """Takes note of what is being done."""

    def __call__(self, doing: str, done: int = 0, total: int = 0) -> None:
        """Take note of it, with the bytes done and in all; 0 and 0 where it is not about bytes."""


class ProgressFile:
    """A file of one JSON line, `doing`, `done` and `total`, that is there while the module runs.

    Only the module's user can read it. Where it cannot be made the module works without.

    Args:
        path: The file, made anew; None tells nobody.
        clock: Seconds that only grow.
    """

    def __init__(self, path: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = None if path is None else Path(path)
        self._clock = clock
        self._file: int | None = None
        self._about: tuple[str, int] | None = None
        self._written = 0.0

    def __enter__(self) -> Self:
        if self._path is not None:
            # Where the connection is lost Ansible runs the module again, with the same name: what the first run left
            # there tells of nothing any more. The name goes, never what a link of that name leads to.
            with contextlib.suppress(OSError):
                self._path.unlink()
            with contextlib.suppress(OSError):
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None and self._path is not None:
            os.close(self._file)
            self._file = None
            with contextlib.suppress(OSError):
                self._path.unlink()

    def report(self, doing: str, done: int = 0, total: int = 0) -> None:
        """See Report; what comes too soon after the same, of as many bytes, is dropped."""
        now, about = self._clock(), (doing, total)
        if self._file is None or (about == self._about and now - self._written < WRITE_INTERVAL):
            return
        self._about, self._written = about, now
        line = json.dumps({"doing": doing, "done": done, "total": total})
        with contextlib.suppress(OSError):
            os.pwrite(self._file, line.ljust(LINE_BYTES).encode(), 0)
