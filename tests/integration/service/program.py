"""The real program, as its users start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx

from lab.ports import free_port, listens

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).parents[3]
START_TIMEOUT_S = 20.0


class Program:
    """`python -m ai_service`, or another program of the package, on a free port.

    Args:
        module: The program.
        prefix: Of its variables, after `ALCHEMORSEL_`.
        settings: Its variables, without the prefixes.

    Attributes:
        url: Where it serves.
        http: A client of it, which gives up after a minute: nothing may hang.
    """

    def __init__(self, module: str = "ai_service", prefix: str = "", **settings: str) -> None:
        self._port = int(settings.get("PORT") or free_port())
        self._module = module
        self._prefix = prefix
        self.url = f"http://127.0.0.1:{self._port}"
        self._settings = {"PORT": str(self._port), **settings}
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile()
        variables = {f"ALCHEMORSEL_{self._prefix}{name}": value for name, value in self._settings.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", self._module],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **variables},
            stderr=self._log,
        )
        give_up = time.monotonic() + START_TIMEOUT_S
        while not listens(self._port)():
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.__exit__(None, None, None)
                raise RuntimeError("the service did not start")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()
        self.stop()
        if error is not None:
            sys.stderr.write(self._read_log())
        self._log.close()

    def stop(self) -> None:
        """Ends it as systemd would; nothing where it has ended."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ask(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Asks for a task."""
        return self.http.post(path, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def log(self) -> list[dict[str, Any]]:
        """What it has logged so far."""
        return [json.loads(line) for line in self._read_log().splitlines()]

    def _read_log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode()
