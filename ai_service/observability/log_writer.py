"""Write log lines from a thread of its own: a log that nobody reads, or a full disk, never blocks the service."""

from __future__ import annotations

import atexit
import os
import select
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_BYTES = 4 * 1024 * 1024
"""Some 15,000 lines of the access log."""
EXIT_TIMEOUT_S = 1.0


class LogWriter:
    """Hand lines to a thread that writes them; drop and count those for which there is no room.

    Args:
        descriptor: Where to write; 2 is standard error.
        limit_bytes: Bound on what waits; a single piece may be larger.

    Attributes:
        dropped: Lines dropped so far, because too many waited or because they could not be written.
        report: Makes the line that tells, once lines can be written again, how many were dropped meanwhile.
    """

    def __init__(self, descriptor: int, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self.dropped = 0
        self.report: Callable[[int], bytes] = _report
        self._descriptor = descriptor
        self._limit_bytes = limit_bytes
        self._reported = 0
        self._torn = False
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def write(self, data: bytes, lines: int = 1) -> None:
        """Take complete lines; never blocks.

        Args:
            data: The lines, each with its end.
            lines: How many they are.
        """
        with self._changed:
            if self._waiting and self._waiting_bytes + len(data) > self._limit_bytes:
                self.dropped += lines
                return
            self._waiting.append((data, lines))
            self._waiting_bytes += len(data)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
                atexit.register(self.flush, EXIT_TIMEOUT_S)
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> None:
        """Wait until everything is written, for so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting, timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                data, lines = self._waiting[0]  # It counts as waiting until it is written.
            written = self._put(data)
            with self._changed:
                self._waiting.popleft()
                self._waiting_bytes -= len(data)
                self.dropped += 0 if written else lines
                missing = self.dropped - self._reported if written and not self._waiting else 0
                self._changed.notify_all()
            if missing and self._put(self.report(missing)):
                self._reported += missing

    def _put(self, data: bytes) -> bool:
        """Write all of it, on a line of its own; False where that fails."""
        left = memoryview(b"\n" + data if self._torn else data)
        try:
            while left:
                try:
                    left = left[os.write(self._descriptor, left) :]
                except BlockingIOError:  # Whoever opened it made it non-blocking.
                    select.select([], [self._descriptor], [])
        except OSError:
            self._torn = self._torn or len(left) < len(data)
            return False
        self._torn = False
        return True


def _report(dropped: int) -> bytes:
    return f"{dropped} log lines were dropped\n".encode()
