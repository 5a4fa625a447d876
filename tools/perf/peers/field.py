"""Who takes part: servers that are started as they are asked for, each in front of the same upstream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from lab.packages import ensure_program
from lab.ports import free_port
from tools.perf.peers.edge import Host
from tools.perf.peers.gateways import CHAT_PATH, LiteLLM, Nginx, Portkey, chat_request
from tools.perf.peers.server import Server, answers, uvicorn
from tools.perf.peers.service import RECIPE_PATH, AIService, Redis, Upstream, recipe_request
from tools.perf.peers.wrk import JSON_BODY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from tools.perf.peers.cores import Cores

ECHO, DIRECT, PORT, INSTANCE, EDGE = "echo", "direct", "port", "instance", "edge"
REDIS, NGINX, LITELLM, PORTKEY = "redis", "nginx", "litellm", "portkey"
NAMES = (ECHO, DIRECT, PORT, INSTANCE, EDGE, REDIS, NGINX, LITELLM, PORTKEY)


class Measured(Protocol):
    """One process or several, running."""

    def cpu_seconds(self) -> float:
        """Return the CPU time used so far."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs, and how it is asked.

    Attributes:
        name: One of `NAMES`.
        title: For tables.
        server: The processes whose CPU time counts.
        url: Where requests go.
        question: Makes the body of a request; each number is another question.
        is_hit: Whether an answer came from a cache, by its headers.
        headers: Of every request.
    """

    name: str
    title: str
    server: Measured
    url: str
    question: Callable[[int], str]
    is_hit: Callable[[Mapping[str, str]], bool]
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_BODY)


@dataclass(slots=True)
class Field:
    """Starts the servers as they are asked for; `stack` ends them.

    Attributes:
        stack: Ends what is started.
        folder: For logs and configurations.
        cores: Who runs where.
        tell: Is told what is being done.
        delay_ms: What the upstream takes for an answer.
    """

    stack: ExitStack
    folder: Path
    cores: Cores
    tell: Callable[[str], None]
    delay_ms: float = 0.0
    _upstream: Upstream | None = field(default=None, init=False)
    _redis: Redis | None = field(default=None, init=False)
    _host: Host | None = field(default=None, init=False)

    def start(self, name: str) -> Running:
        """Start a server.

        Args:
            name: One of `NAMES`.

        Raises:
            BenchError: It did not start.
            LabError: A program could not be installed.
        """
        self.tell(f"starting: {name}")
        makers = {
            ECHO: self._echo,
            DIRECT: self._direct,
            PORT: self._port,
            INSTANCE: self._instance,
            EDGE: lambda: self._ours(EDGE, "edge, 2 instances", self._start_host()),
            REDIS: lambda: self._ours(REDIS, "edge, Redis", self._start_host()),
            NGINX: self._nginx,
            LITELLM: self._litellm,
            PORTKEY: self._portkey,
        }
        return makers[name]()

    def calls(self) -> int:
        """Return how many answers the upstream was asked for so far."""
        return self._start_upstream().calls()

    def redis_reads(self) -> int:
        """Return how many values Redis gave out so far."""
        return self._start_redis().reads()

    def _echo(self) -> Running:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = uvicorn("tools.perf.peers.echo:app", port)
        server = Server("echo", command, ready=answers(f"{url}/"), folder=self.folder, cores=self.cores.server)
        self.stack.enter_context(server)
        return Running(ECHO, "bare ASGI echo", server, f"{url}{RECIPE_PATH}", recipe_request, lambda _headers: True)

    def _direct(self) -> Running:
        server = self._start_upstream()
        return Running(
            DIRECT, "stand-in directly", server, f"{server.url}{CHAT_PATH}", chat_request, lambda _headers: False
        )

    def _port(self) -> Running:
        service = AIService(self.folder, self.cores.server, self._start_upstream(), self._start_redis())
        return self._ours(PORT, "ours on a port", self.stack.enter_context(service))

    def _instance(self) -> Running:
        upstream, redis = self._start_upstream(), self._start_redis()
        service = AIService(self.folder, self.cores.server, upstream, redis, module="tools.perf.peers.instance")
        return self._ours(INSTANCE, "one instance", self.stack.enter_context(service))

    @staticmethod
    def _ours(name: str, title: str, service: AIService | Host) -> Running:
        return Running(
            name,
            title,
            service,
            f"{service.url}{RECIPE_PATH}",
            recipe_request,
            lambda headers: "; hit;" in headers.get("cache-status", ""),
        )

    def _nginx(self) -> Running:
        ensure_program("nginx", "nginx-light", units=("nginx.service",))
        server = self.stack.enter_context(Nginx(self.folder, self.cores.server, self._start_upstream()))
        url = f"{server.url}{CHAT_PATH}"
        return Running(
            NGINX, "nginx", server, url, chat_request, lambda headers: headers.get("x-cache-status") == "HIT"
        )

    def _litellm(self) -> Running:
        self.tell("LiteLLM: install if needed, start")
        server = LiteLLM(self.folder, self.cores.server, self._start_upstream(), self._start_redis())
        self.stack.enter_context(server)
        url = f"{server.url}{CHAT_PATH}"
        return Running(
            LITELLM, "LiteLLM proxy", server, url, chat_request, lambda headers: "x-litellm-cache-key" in headers
        )

    def _portkey(self) -> Running:
        self.tell("Portkey's gateway: install if needed, start")
        server = self.stack.enter_context(Portkey(self.folder, self.cores.server, self._start_upstream()))
        title, url = "Portkey (no cache)", f"{server.url}{CHAT_PATH}"
        return Running(PORTKEY, title, server, url, chat_request, lambda _headers: False, server.headers)

    def _start_upstream(self) -> Upstream:
        if self._upstream is None:
            upstream = Upstream(self.folder, self.cores.others, delay_ms=self.delay_ms)
            self._upstream = self.stack.enter_context(upstream)
        return self._upstream

    def _start_redis(self) -> Redis:
        if self._redis is None:
            ensure_program("redis-server", "redis-server", units=("redis-server.service",))
            self._redis = self.stack.enter_context(Redis(self.folder, self.cores.others))
        return self._redis

    def _start_host(self) -> Host:
        if self._host is None:
            host = Host(self.folder, self.cores.server, self._start_upstream(), self._start_redis())
            self._host = self.stack.enter_context(host)
        return self._host
