"""Our service as a process of the run, and the two that it works with: Redis and the upstream."""

from __future__ import annotations

import json
import socket
import sys
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from lab.command import run
from lab.ports import free_port, listens
from tools.perf.peers.server import Server, answers, uvicorn
from tools.perf.peers.upstream import CALLS_PATH, DELAY_VARIABLE, LAST_REQUEST_PATH, MODEL

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

RECIPE_PATH = "/api/v1/ai/generate-recipe"


class Provider(Protocol):
    """What the service gets its answers from."""

    @property
    def settings(self) -> Mapping[str, str]:
        """The service's settings that name it, without their prefix."""


class Upstream(Server):
    """The mock upstream.

    Args:
        folder: For its log.
        cores: On which it may run.
        delay_ms: From a request to its answer.
    """

    def __init__(self, folder: Path, cores: Collection[int], *, delay_ms: float = 0) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(
            f"upstream-{delay_ms:g}ms",
            uvicorn("tools.perf.peers.upstream:app", port),
            ready=answers(f"{self.url}{CALLS_PATH}"),
            folder=folder,
            cores=cores,
            environment={DELAY_VARIABLE: str(delay_ms)},
        )

    @property
    def settings(self) -> Mapping[str, str]:
        """See Provider."""
        return {
            "AI_PROVIDER": "openai",
            "AI_FALLBACKS": "openai",  # No other answer may pass for a cached one.
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OPENAI_MODEL": MODEL,
        }

    def calls(self) -> int:
        """Return how many completions it was asked for so far."""
        return int(self._ask(CALLS_PATH)["calls"])

    def last_request(self) -> str:
        """Return the body of the last request for a completion."""
        return str(self._ask(LAST_REQUEST_PATH)["body"])

    def _ask(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{self.url}{path}", timeout=5, trust_env=False).json()
        return answer


class Redis(Server):
    """`redis-server` without persistence, as a cache is run.

    Args:
        folder: For its log.
        cores: On which it may run.
    """

    def __init__(self, folder: Path, cores: Collection[int]) -> None:
        self.port = free_port()
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)]
        super().__init__(
            "redis",
            [*command, "--save", "", "--appendonly", "no", "--loglevel", "warning"],
            ready=listens(self.port),
            folder=folder,
            cores=cores,
        )

    def reads(self) -> int:
        """Return how many values it has given out so far, each counted, however many a command asked for."""
        text = run(["redis-cli", "-p", str(self.port), "info", "stats"], timeout_s=5)
        return int(text.partition("keyspace_hits:")[2].split()[0])


class AIService(Server):
    """`python -m ai_service` on a port, with its defaults.

    Args:
        folder: For its log.
        cores: On which it may run.
        provider: The upstream, or another one.
        redis: Where it caches.
        module: The program: the service itself, or `tools.perf.peers.instance`.
    """

    def __init__(
        self, folder: Path, cores: Collection[int], provider: Provider, redis: Redis, *, module: str = "ai_service"
    ) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(
            module,
            [sys.executable, "-m", module],
            ready=answers(f"{self.url}/health/ready"),
            folder=folder,
            cores=cores,
            environment=_environment(provider, redis, PORT=str(port)),
        )


class Instance(Server):
    """`python -m ai_service` as one instance of several of a host, on a Unix socket.

    Args:
        folder: For its socket, the metrics of all instances, and its log.
        cores: On which it may run.
        provider: The upstream, or another one.
        redis: Where it caches.
        name: Its name among the instances.

    Attributes:
        path: Of its socket; it listens there once it is ready.
    """

    def __init__(self, folder: Path, cores: Collection[int], provider: Provider, redis: Redis, *, name: str) -> None:
        self.path = folder / f"{name}.sock"
        settings = {"SOCKET": str(self.path), "INSTANCE": name, "METRICS_FOLDER": str(folder / "metrics")}
        super().__init__(
            name,
            [sys.executable, "-m", "ai_service"],
            ready=lambda: _accepts(self.path),
            folder=folder,
            cores=cores,
            environment=_environment(provider, redis, **settings),
        )


def _environment(provider: Provider, redis: Redis, **settings: str) -> dict[str, str]:
    shared = {**provider.settings, "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0"}
    return {f"ALCHEMORSEL_{name}": value for name, value in (shared | settings).items()}


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def recipe_request(number: int = 0) -> str:
    """Return the body of a request for a recipe; each number asks another question."""
    question = f"a lentil stew with roasted peppers for a cold evening, number {number}"
    return json.dumps({"prompt": question, "serving_size": 4, "dietary": ["vegan"]})
