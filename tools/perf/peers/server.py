"""A process of the run, on loopback: started on given cores, awaited, asked what it costs, ended by its id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from bench.capacity import processes
from lab.paths import ROOT
from tools.perf.errors import ProcessError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

START_SECONDS = 30.0
STOP_SECONDS = 10.0
_TAIL_CHARACTERS = 2000


class Server:
    """Runs while used as a context manager.

    Args:
        name: For messages, and the name of its log.
        command: Program and arguments.
        ready: Whether it can be used; asked until it can.
        folder: Where its log goes.
        cores: On which it may run.
        environment: Its whole environment beside PATH.
        start_seconds: Deadline for getting ready.

    Attributes:
        name: As given.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        ready: Callable[[], bool],
        folder: Path,
        cores: Collection[int],
        environment: Mapping[str, str] | None = None,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self.name = name
        self._command = command
        self._ready = ready
        self._log = folder / f"{name}.log"
        self._cores = cores
        self._environment = {"PATH": os.environ.get("PATH", os.defpath), **(environment or {})}
        self._start_seconds = start_seconds
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Id of the running process.

        Raises:
            ProcessError: It does not run.
        """
        if self._process is None or self._process.poll() is not None:
            raise ProcessError(f"{self.name} does not run; it said:\n{self._tail()}")
        return self._process.pid

    def __enter__(self) -> Self:
        cores = ",".join(map(str, sorted(self._cores)))
        # The kernel ends it even where this process is killed and can end nothing.
        guard = ["setpriv", "--pdeathsig", "TERM", "taskset", "--cpu-list", cores]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*guard, *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=ROOT,
                start_new_session=True,
            )
        try:
            self._await_readiness()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def cpu_seconds(self) -> float:
        """Return the CPU time that it and its children have used so far."""
        return processes.cpu_seconds(self.pid)

    def resident_bytes(self) -> int:
        """Return the resident memory of its largest process."""
        return processes.resident_bytes(self.pid)

    def stop(self) -> None:
        """End it and what it started: SIGTERM, then SIGKILL for whatever is left."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        # It leads a session of its own, so this group is what it started, and itself where it still runs.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _await_readiness(self) -> None:
        deadline = time.monotonic() + self._start_seconds
        while not self._ready():
            _ = self.pid
            if time.monotonic() > deadline:
                raise ProcessError(f"{self.name} was not ready after {self._start_seconds:g} s:\n{self._tail()}")
            time.sleep(0.05)

    def _tail(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-_TAIL_CHARACTERS:]


def answers(url: str) -> Callable[[], bool]:
    """Return a test for whether a URL answers with a status below 400."""
    # Loopback needs no proxy, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def test() -> bool:
        try:
            opener.open(url, timeout=2).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return True

    return test


def uvicorn(application: str, port: int) -> list[str]:
    """Return the command that serves an ASGI application by uvicorn as it is, with our service's settings of it.

    Args:
        application: As ``package.module:name``.
        port: Where to listen.
    """
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port), "--backlog", "2048"]
    command += ["--ws", "none", "--no-proxy-headers", "--no-server-header", "--no-access-log"]
    return [*command, "--log-level", "warning"]
