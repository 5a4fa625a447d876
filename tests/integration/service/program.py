"""The real program, as its users start it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx

from lab.ports import free_port

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).parents[3]
START_TIMEOUT_S = 60.0
"""Of a start that nothing here is about: on a busy machine the imports alone take many times a second."""


class Program:
    """`python -m ai_service`, or another program of the package, on a free port or on a Unix socket.

    Args:
        module: The program.
        prefix: Of its variables, after `ALCHEMORSEL_`.
        settings: Its variables, without the prefixes; `SOCKET` has it listen there instead of a port.

    Attributes:
        url: Where it serves; over a Unix socket the host is for the looks.
        http: A client of it, which gives up after a minute: nothing may hang.
        process: The process, once started.
    """

    def __init__(self, module: str = "ai_service", prefix: str = "", **settings: str) -> None:
        port = settings.get("PORT") or str(free_port())
        self._stderr: int | None = None
        self._path = settings.get("SOCKET", "")
        variables = settings if self._path else {"PORT": port, **settings}
        self._command = [sys.executable, "-m", module]
        self._environment = {
            "PATH": os.environ["PATH"],
            **{f"ALCHEMORSEL_{prefix}{name}": value for name, value in variables.items()},
        }
        self.url = "http://localhost" if self._path else f"http://127.0.0.1:{port}"
        self.http = self.client()

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()
        self.stop()
        if error is not None:
            sys.stderr.write(self._read_log())
        self._log.close()

    def logging_to(self, descriptor: int) -> Self:
        """Return it with this descriptor as its standard error, in place of a log that is shown where a test fails."""
        self._stderr = descriptor
        return self

    def with_hosts_file(self, path: Path) -> Self:
        """Return it with a hosts file of its own, in a mount namespace of its own, which takes root."""
        script = 'mount --bind "$0" /etc/hosts && exec "$@"'
        self._command = ["unshare", "--mount", "sh", "-c", script, str(path), *self._command]
        return self

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        stderr = self._log if self._stderr is None else self._stderr
        self.process = subprocess.Popen(self._command, cwd=ROOT, env=self._environment, stderr=stderr)
        give_up = time.monotonic() + START_TIMEOUT_S
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.__exit__(None, None, None)
                raise RuntimeError("the service did not start")
            time.sleep(0.05)

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run it to its end, which is expected to come soon."""
        return subprocess.run(
            self._command, cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False, timeout=20
        )

    def stop(self) -> None:
        """End it as systemd would; nothing where it has ended."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it by a signal, and wait for its end."""
        self.process.send_signal(number)
        self.process.wait(20)

    def connect(self) -> socket.socket:
        """Open a raw connection."""
        family, address = (socket.AF_UNIX, self._path) if self._path else (socket.AF_INET, self._address())
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.settimeout(30)
        try:
            connection.connect(address)
        except OSError:
            connection.close()
            raise
        return connection

    def listens(self) -> bool:
        """Tell whether it accepts connections."""
        try:
            self.connect().close()
        except OSError:
            return False
        return True

    def client(self) -> httpx.Client:
        """Make a client with connections of its own."""
        transport = httpx.HTTPTransport(uds=self._path) if self._path else None
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False, transport=transport)

    def ask(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Ask for a task."""
        return self.http.post(path, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def metrics(self) -> str:
        """Read what Prometheus would read."""
        return self.http.get("/metrics").text

    def log(self) -> list[dict[str, Any]]:
        """Read what it has logged so far."""
        return [json.loads(line) for line in self._read_log().splitlines()]

    def _address(self) -> tuple[str, int]:
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    def _read_log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode()


class Instances:
    """Several programs of one host: each on a Unix socket, all with one metrics folder.

    Args:
        folder: An empty directory of the test's.
        count: How many.
        settings: Their variables, as those of Program.

    Attributes:
        programs: They, in order; the first one's name is `1`.
    """

    def __init__(self, folder: Path, count: int = 2, /, **settings: str) -> None:
        self.metrics_folder = folder / "metrics"
        self.metrics_folder.mkdir()
        self.programs = [
            Program(
                **{
                    "SOCKET": str(folder / f"{name}.sock"),
                    "INSTANCE": str(name),
                    "METRICS_FOLDER": str(self.metrics_folder),
                    **settings,
                }
            )
            for name in range(1, count + 1)
        ]

    def __enter__(self) -> list[Program]:
        with ExitStack() as stack:
            for program in self.programs:
                stack.enter_context(program)
            self._stack = stack.pop_all()
        return self.programs

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
