"""A client's program as a process: it is asked for one cell after the other."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Self

from lab.paths import ROOT
from tests.clients.environments import command

if TYPE_CHECKING:
    from types import TracebackType

    from tests.clients.catalogue import Client

START_TIMEOUT_S = 60.0
CELL_TIMEOUT_S = 110.0
NO_OUTCOME = "no outcome"
_VARIABLES = {
    "NO_PROXY": "*",
    "OPENAI_API_KEY": "none",
    "DO_NOT_TRACK": "1",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""Neither a proxy nor telemetry: the clients reach the server that they test, and nothing else."""


@dataclass(frozen=True)
class Outcome:
    """What came of a cell.

    Attributes:
        value: What the client received; None where it failed.
        error: Type, status and message of the error that it raised; None where it raised none.
    """

    value: Any = None
    error: dict[str, Any] | None = None

    @property
    def silent(self) -> bool:
        """Whether nothing came of it in time."""
        return self.error is not None and self.error["type"] == NO_OUTCOME

    @property
    def message(self) -> str:
        """The error in one line."""
        if self.error is None:
            return ""
        status = f" {self.error['status']}" if self.error["status"] else ""
        return f"{self.error['type']}{status}: {self.error['message']}".replace("\n", " ")


class ClientProcess:
    """A client's program, started anew after a cell that did not end.

    Args:
        client: The client.
        url: Of the server that it asks, without a path.
        model: That it asks.
        stop: Texts that end a long answer.
        timeout_s: Seconds for a cell.

    Attributes:
        version: Of the client, once entered.
    """

    def __init__(
        self, client: Client, url: str, model: str, *, stop: tuple[str, ...] = (), timeout_s: float = CELL_TIMEOUT_S
    ) -> None:
        target = json.dumps({"url": url, "model": model, "stop": stop})
        self._command = [*command(client), target, *client.arguments]
        self._timeout_s = timeout_s
        self._process: subprocess.Popen[str] | None = None
        self.version = ""

    def __enter__(self) -> Self:
        self._home = tempfile.TemporaryDirectory(prefix="alchemorsel-client-")
        self._errors = tempfile.TemporaryFile("w+")
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._errors.close()
        self._home.cleanup()

    def run(self, cell: str) -> Outcome:
        """Ask for a cell."""
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{cell}\n")
            self._process.stdin.flush()
            answer = self._read(self._timeout_s)
        except (OSError, RuntimeError) as failure:
            self._stop()
            return Outcome(error={"type": NO_OUTCOME, "status": None, "message": str(failure)})
        return Outcome(answer.get("value"), answer.get("error"))

    def _start(self) -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": self._home.name, **_VARIABLES},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,  # what a client starts in its turn ends with it
        )
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=_pump, args=(self._process.stdout, self._lines), daemon=True)
        self._reader.start()
        self.version = self._read(START_TIMEOUT_S)["version"]

    def _read(self, timeout_s: float) -> dict[str, Any]:
        """Return the next line.

        Raises:
            RuntimeError: None came.
        """
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise RuntimeError(f"no answer within {timeout_s:.0f} s") from None
        if not line:
            self._errors.seek(0)
            raise RuntimeError(f"the program ended: {self._errors.read()[-2000:]}")
        decoded: dict[str, Any] = json.loads(line)
        return decoded

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._reader.join()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def _pump(stream: IO[str], lines: queue.Queue[str]) -> None:
    """Pass lines on; an empty one is the end."""
    for line in stream:
        lines.put(line)
    lines.put("")
