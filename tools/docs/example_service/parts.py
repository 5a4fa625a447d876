"""The parts that recordings are made of: a real Redis, the real Ollama, and the service between them."""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.evidence.ollama import Ollama
from lab.command import run
from lab.ollama_process import OllamaProcess
from lab.ports import free_port
from tools.perf.peers.server import Server, answers
from tools.perf.peers.service import Redis

if TYPE_CHECKING:
    from collections.abc import Iterator

API_PORT, REDIS_PORT, OLLAMA_PORT = 3010, 6379, 11434
"""The usual ports, which recordings show in place of the free ones that are taken."""

NUM_CTX = 4096
"""The service's default: a model that is loaded with it beforehand stays as it is."""

_QUICK_S = 10.0


class Service(Server):
    """`python -m ai_service`, whose only provider is Ollama.

    Args:
        folder: For its log.
        redis: Where it caches.
        ollama: Its provider.
        settings: More of its variables, without the prefix.
    """

    def __init__(self, folder: Path, redis: Redis, ollama: OllamaProcess, **settings: str) -> None:
        self.port = free_port()
        self._settings = {
            "AI_FALLBACKS": "ollama",  # No stand-in may pass for the model.
            "OLLAMA_HOST": ollama.url,
            "OLLAMA_MODEL": ollama.model,
            "RECIPE_MAX_TOKENS": "512",  # A small model writes until it is stopped.
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
            **settings,
        }
        super().__init__(
            "ai_service",
            [sys.executable, "-m", "ai_service"],
            ready=answers(f"http://127.0.0.1:{self.port}/health/ready"),
            folder=folder,
            cores=os.sched_getaffinity(0),
            environment=self._variables | {"ALCHEMORSEL_PORT": str(self.port)},
        )

    @property
    def command(self) -> str:
        """What starts it, for a shell."""
        variables = [f"{name}={shlex.quote(value)}" for name, value in self._variables.items()]
        return " \\\n    ".join([*variables, "python -m ai_service 2> ai_service.log &"])

    @property
    def log_file(self) -> Path:
        """One line of JSON for each request and each event."""
        return self._log

    @property
    def _variables(self) -> dict[str, str]:
        return {f"ALCHEMORSEL_{name}": value for name, value in self._settings.items()}


@dataclass(frozen=True)
class Parts:
    """What runs."""

    redis: Redis
    ollama: OllamaProcess
    service: Service

    @property
    def start(self) -> list[str]:
        """The commands that start them, for a shell."""
        return ["redis-server --save '' --appendonly no &", "ollama serve 2> ollama.log &", self.service.command]

    @property
    def versions(self) -> str:
        """Which Redis, which Ollama, which model.

        Raises:
            TargetError: Ollama does not answer.
            CommandFailedError: Redis cannot be run.
        """
        redis = re.search(r"v=(\S+)", run(["redis-server", "--version"], timeout_s=_QUICK_S))
        with Ollama(self.ollama.url) as ollama:
            return f"redis-server {redis[1] if redis else '?'}, Ollama {ollama.version()} with {self.ollama.model}"

    @property
    def plain_names(self) -> dict[str, str]:
        """What recordings show, by what is there on this machine."""
        return {
            str(self.service.log_file): "ai_service.log",
            str(self.ollama.log_file): "ollama.log",
            sys.executable: "python",
            f":{self.service.port}": f":{API_PORT}",
            f":{self.redis.port}": f":{REDIS_PORT}",
            f"-p {self.redis.port}": f"-p {REDIS_PORT}",
            self.ollama.url: f"http://127.0.0.1:{OLLAMA_PORT}",
        }


@contextmanager
def running(**settings: str) -> Iterator[Parts]:
    """Start all three, with nothing cached.

    Args:
        settings: Variables of the service, without the prefix.

    Raises:
        LabError: Ollama does not start.
        ProcessError: Redis or the service does not start.
    """
    with (
        tempfile.TemporaryDirectory() as name,
        OllamaProcess() as ollama,
        Redis(Path(name), os.sched_getaffinity(0)) as redis,
        Service(Path(name), redis, ollama, **settings) as service,
    ):
        yield Parts(redis, ollama, service)
