"""A site of processes: the edge, two instances, Redis, a relay before the real Ollama, and a stand-in beside it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import httpx

from lab.faults import relay, stand_in_fallback
from lab.faults.known_keys import prime
from lab.faults.starvation import waited_ns
from lab.paths import ROOT
from lab.ports import free_port, listens
from tests.contract.redis_server import USER, RedisServer
from tests.edge_program import EdgeProgram
from tests.integration.service.program import Instances, Program
from tests.waiting import until

if TYPE_CHECKING:
    from types import TracebackType

    from lab.ollama_process import OllamaProcess

READY_S = 60.0


class ProcessSite:
    """Runs while used as a context manager.

    Args:
        folder: Of a short path, empty.
        ollama: The real one, running.

    Attributes:
        redis: Its Redis.
        instances: Its two instances of the service.
        edge: What callers ask.
    """

    def __init__(self, folder: Path, ollama: OllamaProcess) -> None:
        self._folder = folder
        self._ollama = ollama
        self._stack = ExitStack()
        self.redis = RedisServer()
        self.instances: list[Program] = []

    @property
    def url(self) -> str:
        """Of the API."""
        return f"http://127.0.0.1:{self.edge.port}"

    def __enter__(self) -> Self:
        with self._stack as stack:
            stack.enter_context(self.redis)
            ollama_port, fallback_port = free_port(), free_port()
            upstream, folder = urlsplit(self._ollama.url).netloc, str(self._folder)
            for port, module, *arguments in (
                (ollama_port, relay, upstream, folder),
                (fallback_port, stand_in_fallback, folder),
            ):
                argv = [sys.executable, "-m", module.__name__, str(port), *arguments]
                process = stack.enter_context(subprocess.Popen(argv, cwd=ROOT))
                stack.callback(process.terminate)
                until(listens(port))
            self.instances = stack.enter_context(
                Instances(
                    self._folder,
                    OLLAMA_HOST=f"http://127.0.0.1:{ollama_port}",
                    OLLAMA_MODEL=self._ollama.model,
                    OLLAMA_TIMEOUT="10s",
                    OPENAI_BASE_URL=f"http://127.0.0.1:{fallback_port}/v1",
                    QUEUE_LIMIT="1",
                    INGREDIENTS_MAX_TOKENS="96",
                    DEADLINE="30s",
                    REDIS_URL=self.redis.url,
                    REDIS_USERNAME=USER,
                    REDIS_PASSWORD_FILE=str(self.redis.password_file),
                )
            )
            servers = {name: f"unix@{self._folder}/{name}.sock" for name in ("1", "2")}
            self.edge = stack.enter_context(EdgeProgram(self._folder, servers))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def behave(self, provider: str, mode: str) -> None:
        """Have relay or stand-in behave in a way (see `lab.faults.commanded_server`)."""
        (self._folder / provider).write_text(mode)

    def waited_s(self) -> dict[int, float]:
        """Return how long each of its processes has waited for a processor so far, in seconds, by its id."""
        found = {}
        for pid in (self.edge.pid(), *(instance.process.pid for instance in self.instances)):
            with suppress(OSError):
                found[pid] = waited_ns(Path(f"/proc/{pid}")) / 1e9
        return found

    def make_ready(self, seed: str, known: int) -> None:
        """Wait until both instances serve and each known key has the model's answer."""
        until(lambda: self.edge.states() == {"1": "UP", "2": "UP"}, timeout_s=READY_S)
        with httpx.Client(base_url=self.url, timeout=READY_S, trust_env=False) as client:
            prime(client, seed, known)
