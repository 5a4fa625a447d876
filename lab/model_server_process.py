"""What the lab's model servers share as processes: start on a loopback port, wait, stop, and the log."""

from __future__ import annotations

import contextlib
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Self

from lab.errors import CommandFailedError, LabError
from lab.paths import CACHE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

_STOP_DEADLINE_S = 10.0


class ModelServerProcess:
    """A server that runs between entry and exit.

    Args:
        title: The server's name, for errors.
        log: Name of its log in the lab's cache.
        port: Where it listens, on loopback.
        ready: Path that it answers once it is ready.
        start_deadline_s: Seconds until then.

    Attributes:
        url: Base address.
    """

    def __init__(self, title: str, log: str, port: int, *, ready: str, start_deadline_s: float) -> None:
        self._title = title
        self._log = CACHE / log
        self._ready = ready
        self._start_deadline_s = start_deadline_s
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{port}"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        if self._process is None:
            raise LabError(f"this {self._title} is not running")
        return self._process.pid

    def __enter__(self) -> Self:
        """Start, and wait until it is ready."""
        command, environment = self._prepare()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            self._await_answer()
            self._complete()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()

    def stop(self) -> None:
        """Stop the server with SIGTERM, or SIGKILL where that takes too long; nothing where it does not run."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        self._log.unlink(missing_ok=True)

    def _prepare(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """Install what the server needs, and return its command and environment."""
        raise NotImplementedError

    def _complete(self) -> None:
        """Do what is left to do once the server answers."""

    def _await_answer(self) -> None:
        deadline = time.monotonic() + self._start_deadline_s
        while time.monotonic() < deadline:
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                urllib.request.urlopen(f"{self.url}{self._ready}", timeout=2).close()  # noqa: S310 - loopback, our own
                return
            if self._process is not None and self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise CommandFailedError(f"{self._title} did not start:\n{self._log.read_text(errors='replace')[-2000:]}")
