"""What the processes of one generator sent, in one file: each keeps its samples, the master of several writes them all.

A process on its own writes the file itself. Of several, each sends its samples to Locust's master in batches, by
Locust's own messages, so they may run on other machines; the file ends with one `PhaseEnd` when all have ended.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import gevent  # type: ignore[import-untyped] # has none
import msgspec

from bench.errors import StorageError
from bench.samples import PhaseEnd, Sample, encode_lines, merge_ends

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FLUSH_SECONDS = 0.2
"""How often samples leave a process: often enough for a progress bar, far from the timed path."""

SAMPLES_MESSAGE = "bench_samples"
END_MESSAGE = "bench_end"


class SampleFile:
    """The file of a phase.

    Args:
        path: Of the file; what was there is replaced.
        parts: How many processes have to end before the phase has.
        on_end: Is called when they have.

    Raises:
        OSError: The file cannot be written.
    """

    def __init__(self, path: Path, parts: int = 1, on_end: Callable[[], None] | None = None) -> None:
        self._file = path.open("wb", buffering=0)
        self._parts = parts
        self._on_end = on_end
        self._ends: list[PhaseEnd] = []

    @property
    def closed(self) -> bool:
        """Whether nothing is written any more: the phase has ended, or was stopped."""
        return self._file.closed

    def write(self, lines: bytes) -> None:
        """Add samples; a process that cannot is ended, since whoever waits for its samples would wait in vain."""
        if self.closed:
            return
        try:
            view = memoryview(lines)
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            sys.stderr.write(f"cannot write {self._file.name}: {error.strerror}\n")
            sys.stderr.flush()
            os._exit(StorageError.exit_status)

    def end(self, end: PhaseEnd) -> None:
        """Note that a process has ended; after the last one the file is complete."""
        self._ends.append(end)
        if len(self._ends) == self._parts and not self.closed:
            self.write(encode_lines([merge_ends(self._ends)]))
            self.close()
            if self._on_end is not None:
                self._on_end()

    def close(self) -> None:
        """Close the file, as it is."""
        self._file.close()

    def receive(self, *, msg: Any, **_: object) -> None:
        """Take what a process sends by message."""
        if msg.type == SAMPLES_MESSAGE:
            self.write(msg.data["lines"])
        else:
            self.end(msgspec.json.decode(msg.data["end"], type=PhaseEnd))


class Messenger:
    """What a `SampleFile` is to a process whose master has it.

    Args:
        send: Locust's way to send a message: type and data.
    """

    def __init__(self, send: Callable[[str, dict[str, Any]], None]) -> None:
        self._send = send

    def write(self, lines: bytes) -> None:
        """Send samples."""
        self._send(SAMPLES_MESSAGE, {"lines": lines})

    def end(self, end: PhaseEnd) -> None:
        """Send that this process has ended."""
        self._send(END_MESSAGE, {"end": msgspec.json.encode(end)})


class Recorder:
    """The requests of this process: their counts, and their samples on the way to the file.

    Args:
        sink: Where samples go.

    Attributes:
        planned: Requests that were due.
        sent: Requests that were sent.
        dropped: Requests that were not, because too many were under way.
        real_time: Whether the kernel runs this process before others.
    """

    def __init__(self, sink: SampleFile | Messenger) -> None:
        self.planned = self.sent = self.dropped = 0
        self.real_time = False
        self.epoch_ns = time.perf_counter_ns()
        self._cpu_ns = time.process_time_ns()
        self._sink = sink
        self._pending: list[Sample] = []
        self._ended = False
        self._flusher = gevent.spawn(self._flush_forever)

    def restart(self) -> None:
        """Set the phase's beginning to now."""
        self.epoch_ns, self._cpu_ns = time.perf_counter_ns(), time.process_time_ns()

    def elapsed_ns(self) -> int:
        """Return the nanoseconds since the phase's first intended start, by a clock that nobody can set."""
        return time.perf_counter_ns() - self.epoch_ns

    def add(self, sample: Sample) -> None:
        """Keep a sample for the file."""
        self._pending.append(sample)

    def close(self) -> None:
        """Hand on what is left, and this process's account; nothing the second time."""
        if self._ended:
            return
        self._ended = True
        wall_ns, cpu_ns = self.elapsed_ns(), time.process_time_ns() - self._cpu_ns
        self._flusher.kill()
        self._flush()
        self._sink.end(
            PhaseEnd(
                planned=self.planned,
                sent=self.sent,
                dropped=self.dropped,
                wall_ns=wall_ns,
                cpu_ns=cpu_ns,
                epoch_ns=self.epoch_ns,
                real_time=self.real_time,
            )
        )

    def _flush_forever(self) -> None:
        while True:
            gevent.sleep(FLUSH_SECONDS)
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            pending, self._pending = self._pending, []
            self._sink.write(encode_lines(pending))
