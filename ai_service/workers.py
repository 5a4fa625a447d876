"""Several processes on one socket: started, watched, started again, and ended together."""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from prometheus_client.multiprocess import mark_process_dead

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
STABLE_S = 10.0
"""A worker that lived so long did not die of its start: the next delay is the first again."""


@dataclass(slots=True)
class Worker:
    """One place for a process.

    Attributes:
        pid: The process in it; 0 where there is none now.
        started: When, in monotonic seconds.
        delay_s: How long to wait before the next start.
        start_at: When that is; infinite while a process runs.
    """

    pid: int = 0
    started: float = 0.0
    delay_s: float = FIRST_DELAY_S
    start_at: float = 0.0


@dataclass(slots=True)
class _Pipe:
    """A pipe between this process and its workers."""

    read: int = field(init=False)
    write: int = field(init=False)

    def __post_init__(self) -> None:
        self.read, self.write = os.pipe()
        os.set_blocking(self.read, False)
        os.set_blocking(self.write, False)


class Supervisor:
    """Keeps a number of workers running until it is told to stop.

    A worker that dies is started again: at once after 0.5 s, later after twice as long each time, 30 s at most. On
    SIGTERM or SIGINT every worker gets SIGTERM and may end what it has begun. Workers whose supervisor is killed notice
    it by a pipe that nobody else holds, and end in the same way.

    Args:
        serve: What a worker does until it is told to stop; gets a function to call when it is ready, and the
            descriptor that becomes readable when the supervisor is gone.
        count: How many workers.
        grace_s: Seconds that workers have to end before they are killed.
        on_ready: Called once, when all workers are ready for the first time.
        on_stopping: Called when the end begins.
    """

    def __init__(
        self,
        serve: Callable[[Callable[[], None], int], None],
        *,
        count: int,
        grace_s: float,
        on_ready: Callable[[], None],
        on_stopping: Callable[[], None],
    ) -> None:
        self._serve = serve
        self._workers = [Worker() for _ in range(count)]
        self._grace_s = grace_s
        self._on_ready = on_ready
        self._on_stopping = on_stopping
        self._ready: set[int] = set()
        self._announced = False
        self._told_ready, self._told_signal, self._life = _Pipe(), _Pipe(), _Pipe()

    def run(self) -> int:
        """Runs until a signal ends it.

        Returns:
            The exit status: 0, or 1 where a worker had to be killed.
        """
        signal.set_wakeup_fd(self._told_signal.write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, lambda _number, _frame: None)  # The wake-up descriptor tells which.
        while True:
            self._start_due()
            if {signal.SIGTERM, signal.SIGINT} & self._wait(self._next_start()):
                return self._stop()
            self._reap()
            if not self._announced and all(worker.pid in self._ready for worker in self._workers):
                self._announced = True
                self._on_ready()

    def _start_due(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if not worker.pid and worker.start_at <= now:
                worker.pid, worker.started = self._fork(), now

    def _next_start(self) -> float | None:
        """Seconds until the next worker is due; None where all run."""
        due = [worker.start_at for worker in self._workers if not worker.pid]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _wait(self, timeout_s: float | None) -> set[int]:
        """Sleeps until something happens; the signals that came meanwhile."""
        select.select([self._told_signal.read, self._told_ready.read], [], [], timeout_s)
        told = _drain(self._told_ready.read)
        self._ready.update(int.from_bytes(told[i : i + 4], "big") for i in range(0, len(told), 4))
        return set(_drain(self._told_signal.read))

    def _reap(self) -> None:
        """Takes leave of the workers that have ended, and says when their successors start."""
        for worker in self._workers:
            if not worker.pid:
                continue
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if not pid:
                continue
            mark_process_dead(pid)  # type: ignore[no-untyped-call] # the library's function has no types
            self._ready.discard(pid)
            now = time.monotonic()
            if now - worker.started >= STABLE_S:
                worker.delay_s = FIRST_DELAY_S
            worker.pid, worker.start_at = 0, now + worker.delay_s
            code = os.waitstatus_to_exitcode(status)
            logger.error("worker %d ended (%s); another starts in %g s", pid, _how(code), worker.delay_s)
            worker.delay_s = min(LONGEST_DELAY_S, worker.delay_s * 2)

    def _stop(self) -> int:
        self._on_stopping()
        give_up = time.monotonic() + self._grace_s
        self._send(signal.SIGTERM)
        while self._running() and time.monotonic() < give_up:
            if signal.SIGTERM in self._wait(min(1.0, max(0.0, give_up - time.monotonic()))):
                self._send(signal.SIGTERM)
        late = self._running()
        if late:
            logger.error("workers did not end within %g s and are killed", self._grace_s)
            self._send(signal.SIGKILL)
            for worker in self._workers:
                if worker.pid:
                    os.waitpid(worker.pid, 0)
        return 1 if late else 0

    def _running(self) -> bool:
        for worker in self._workers:
            if worker.pid and os.waitpid(worker.pid, os.WNOHANG)[0]:
                worker.pid = 0
        return any(worker.pid for worker in self._workers)

    def _send(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.pid:
                os.kill(worker.pid, number)

    def _fork(self) -> int:
        """Starts a worker; signals wait until it has shed what it inherited."""
        signals = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            for number in signals:
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        if not pid:
            os.close(self._life.write)
            self._work()
        return pid

    def _work(self) -> NoReturn:
        """A worker's whole life; never returns into the supervisor's code."""
        code = 1
        try:
            self._serve(lambda: _tell(self._told_ready.write), self._life.read)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except Exception:
            logger.exception("worker %d failed", os.getpid())
        finally:
            sys.stderr.flush()
            os._exit(code)


def _tell(descriptor: int) -> None:
    os.write(descriptor, os.getpid().to_bytes(4, "big"))


def _drain(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except BlockingIOError:
        return b""


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"
