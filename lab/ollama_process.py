"""The lab's real Ollama as a process on a free loopback port: for integration tests, and to fill the mirror."""

from __future__ import annotations

import contextlib
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Self

from lab import artifacts
from lab.command import run
from lab.errors import CommandFailedError, LabError
from lab.paths import CACHE
from lab.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_START_DEADLINE_S = 30.0
_STOP_DEADLINE_S = 10.0


class OllamaProcess:
    """Starts the server with the lab's model in it on entry, stops it on exit.

    The model store lies in the lab's cache, so only the first start imports the model (about two seconds).

    Attributes:
        model: short name of the model it serves.
        url: base address, once entered.
        pid: process id, once entered; for tests that stop or kill it.
    """

    model = artifacts.MODEL

    def __init__(self, *, port: int = 0, num_parallel: int = 1) -> None:
        """Choose the port (0: a free one) and how many requests are served side by side."""
        self._port = port or free_port()
        self._num_parallel = num_parallel
        self._home = CACHE / "ollama-home"
        self._log = CACHE / f"ollama-{self._port}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        if self._process is None:
            raise LabError("this Ollama is not running")
        return self._process.pid

    @property
    def log_file(self) -> Path:
        """Where it logs, each request on a line that begins with ``[GIN]``; there while it runs."""
        return self._log

    @property
    def environment(self) -> dict[str, str]:
        """Environment for the server, and for `ollama` client commands that talk to it."""
        return artifacts.environment(
            self._home,
            OLLAMA_HOST=f"127.0.0.1:{self._port}",
            OLLAMA_MODELS=str(CACHE / "ollama-models"),
            OLLAMA_NUM_PARALLEL=str(self._num_parallel),
        )

    def __enter__(self) -> Self:
        """Start, wait until it answers, import the model where it is not there yet."""
        artifacts.download()
        artifacts.assemble_runtime()
        self._home.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            program = str(artifacts.RUNTIME / "bin" / "ollama")
            self._process = subprocess.Popen(
                [program, "serve"], env=self.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            self._await_answer()
            self._import_model()
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

    def command(self, *arguments: str, timeout_s: float = 120) -> str:
        """Run the `ollama` client against this server and return what it printed."""
        return run([str(artifacts.RUNTIME / "bin" / "ollama"), *arguments], timeout_s=timeout_s, env=self.environment)

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _START_DEADLINE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                urllib.request.urlopen(self.url, timeout=2).close()  # noqa: S310 - our own loopback address
                return
            if self._process is not None and self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise CommandFailedError(f"Ollama did not start:\n{self._log.read_text(errors='replace')[-2000:]}")

    def _import_model(self) -> None:
        # The first column, whole: a name with a registry in front is another model.
        if self.model in (line.split()[0] for line in self.command("list").splitlines() if line.strip()):
            return
        modelfile = CACHE / "Modelfile"
        modelfile.write_text(f"FROM {artifacts.assemble_model()}\n")
        self.command("create", self.model, "-f", str(modelfile))
