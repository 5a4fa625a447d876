"""The lab's real Ollama as a process on a free loopback port: for integration tests, and to fill the mirror."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab import artifacts
from lab.command import run
from lab.model_server_process import ModelServerProcess
from lab.paths import CACHE
from lab.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_START_DEADLINE_S = 30.0


class OllamaProcess(ModelServerProcess):
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
        log = f"ollama-{self._port}.log"
        super().__init__("Ollama", log, self._port, ready="", start_deadline_s=_START_DEADLINE_S)

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

    def _prepare(self) -> tuple[Sequence[str], Mapping[str, str]]:
        artifacts.download()
        artifacts.assemble_runtime()
        self._home.mkdir(parents=True, exist_ok=True)
        return [str(artifacts.RUNTIME / "bin" / "ollama"), "serve"], self.environment

    def command(self, *arguments: str, timeout_s: float = 120) -> str:
        """Run the `ollama` client against this server and return what it printed."""
        return run([str(artifacts.RUNTIME / "bin" / "ollama"), *arguments], timeout_s=timeout_s, env=self.environment)

    def create(self, model: str, text: str) -> None:
        """Create a model from the text of its Modelfile."""
        modelfile = CACHE / "Modelfile"
        modelfile.write_text(text)
        self.command("create", model, "-f", str(modelfile))

    def _complete(self) -> None:
        """Import the model where it is not there yet."""
        # The first column, whole: a name with a registry in front is another model.
        if self.model in (line.split()[0] for line in self.command("list").splitlines() if line.strip()):
            return
        self.create(self.model, f"FROM {artifacts.assemble_model()}\n")
