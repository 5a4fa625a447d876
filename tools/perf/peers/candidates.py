"""Who takes part: each a running server, the load it gets, and how its cached answers are told from computed ones."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import httpx

from lab.packages import ensure_program
from lab.ports import free_port
from tools.perf.errors import ProcessError
from tools.perf.peers.echo import ANSWER_BYTES
from tools.perf.peers.edge import Host
from tools.perf.peers.gateways import CHAT_PATH, LiteLLM, Nginx, chat_request
from tools.perf.peers.server import Server, answers, uvicorn
from tools.perf.peers.service import RECIPE_PATH, AIService, Redis, Upstream, recipe_request
from tools.perf.peers.wrk import HEADERS, Load

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path

    from tools.perf.peers.cores import Cores
    from tools.perf.peers.wrk import Wrk

ECHO, PORT, INSTANCE, EDGE, REDIS, NGINX, LITELLM = "echo", "port", "instance", "edge", "redis", "nginx", "litellm"
NAMES = (ECHO, PORT, INSTANCE, EDGE, REDIS, NGINX, LITELLM)

QUESTIONS = 40_000
"""In turn, these are more than an instance's memory layer holds (32 MiB are some 18,600 answers of 1.2 KB), and up to
20,000 requests a second none comes again within the two seconds for which that layer trusts an answer, nor does a
warm-up of one second, which begins in the middle, reach the first of them. Whether each request really reached Redis is
counted in every round."""

_PRIME_SECONDS = 10
_PRIME_DEADLINE_S = 300.0
_STORED_SECONDS = 0.1
"""An answer is stored a moment after it is given; until then another instance would wait for it, which is no hit."""
_PROBE_SECONDS = 60.0


class Measured(Protocol):
    """One process or several, running."""

    def cpu_seconds(self) -> float:
        """Return the CPU time used so far."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of those that are measured in turns.

    Attributes:
        name: One of `NAMES`.
        title: For tables.
        server: The processes whose CPU time counts.
        load: What it is sent.
        answer_bytes: Size of an answer's body.
        computed: How many answers were computed so far, instead of taken from the cache.
        redis_reads: How many values its Redis gave out so far; None where that proves nothing.
        redis_share: Bounds on these values a request, between which a round is valid.
    """

    name: str
    title: str
    server: Measured
    load: Load
    answer_bytes: int
    computed: Callable[[], int]
    redis_reads: Callable[[], int] | None = None
    redis_share: tuple[float, float] = (0.0, float("inf"))


@dataclass(slots=True)
class Field:
    """Starts the servers as they are asked for; `stack` ends them.

    Attributes:
        stack: Ends what is started.
        folder: For logs and configurations.
        cores: Who runs where.
        wrk: Fills the service's cache.
        tell: Is told what is being done.
    """

    stack: ExitStack
    folder: Path
    cores: Cores
    wrk: Wrk
    tell: Callable[[str], None]
    _upstream: Upstream | None = field(default=None, init=False)
    _redis: Redis | None = field(default=None, init=False)
    _host: Host | None = field(default=None, init=False)

    def enter(self, name: str) -> Candidate:
        """Start a candidate, with an answer in its cache.

        Args:
            name: One of `NAMES`.

        Raises:
            BenchError: It did not start, or does not answer as expected.
            LabError: A program could not be installed.
        """
        makers = {
            ECHO: self._echo,
            PORT: self._port,
            INSTANCE: self._instance,
            EDGE: self._edge,
            REDIS: self._redis_hits,
            NGINX: self._nginx,
            LITELLM: self._litellm,
        }
        return makers[name]()

    def _echo(self) -> Candidate:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = uvicorn("tools.perf.peers.echo:app", port)
        ready = answers(f"{url}/")
        server = Server("echo", command, ready=ready, folder=self.folder, cores=self.cores.server)
        self.stack.enter_context(server)
        load = Load(f"{url}{RECIPE_PATH}", [recipe_request()])
        size = _probe(load, lambda _headers: True)
        if size != ANSWER_BYTES:
            raise ProcessError(f"the echo answered {size} bytes instead of {ANSWER_BYTES}")
        return Candidate(ECHO, "bare ASGI echo", server, load, size, lambda: 0)

    def _port(self) -> Candidate:
        service = AIService(self.folder, self.cores.server, self._start_upstream(), self._start_redis())
        return self._memory_hits(PORT, "ours on a port", self.stack.enter_context(service))

    def _instance(self) -> Candidate:
        upstream, redis = self._start_upstream(), self._start_redis()
        service = AIService(self.folder, self.cores.server, upstream, redis, module="tools.perf.peers.instance")
        return self._memory_hits(INSTANCE, "one instance", self.stack.enter_context(service))

    def _edge(self) -> Candidate:
        return self._memory_hits(EDGE, "edge, 2 instances", self._start_host())

    def _memory_hits(self, name: str, title: str, service: AIService | Host) -> Candidate:
        load = Load(f"{service.url}{RECIPE_PATH}", [recipe_request()])
        size = _probe(load, lambda headers: "; hit;" in headers.get("cache-status", ""))
        # Every two seconds the memory layer asks Redis again.
        return Candidate(name, title, service, load, size, self._calls, self._start_redis().reads, (0.0, 0.02))

    def _redis_hits(self) -> Candidate:
        host, redis = self._start_host(), self._start_redis()
        bodies = [recipe_request(number) for number in range(QUESTIONS)]
        load = Load(f"{host.url}{RECIPE_PATH}", bodies)
        size = _probe(load, lambda headers: "; hit;" in headers.get("cache-status", ""))
        self._prime(load)
        title = "edge, Redis"
        return Candidate(REDIS, title, host, load, size, self._calls, redis.reads, (0.98, float("inf")))

    def _nginx(self) -> Candidate:
        ensure_program("nginx", "nginx-light", units=("nginx.service",))
        server = self.stack.enter_context(Nginx(self.folder, self.cores.server, self._start_upstream()))
        load = Load(f"{server.url}{CHAT_PATH}", [chat_request()])
        size = _probe(load, lambda headers: headers.get("x-cache-status") == "HIT")
        return Candidate(NGINX, "nginx", server, load, size, self._calls)

    def _litellm(self) -> Candidate:
        self.tell("LiteLLM: install if needed, start")
        upstream, redis = self._start_upstream(), self._start_redis()
        server = self.stack.enter_context(LiteLLM(self.folder, self.cores.server, upstream, redis))
        load = Load(f"{server.url}{CHAT_PATH}", [chat_request()])
        size = _probe(load, lambda headers: "x-litellm-cache-key" in headers)
        return Candidate(LITELLM, "LiteLLM proxy", server, load, size, self._calls)

    def _start_upstream(self) -> Upstream:
        if self._upstream is None:
            self._upstream = self.stack.enter_context(Upstream(self.folder, self.cores.others))
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

    def _calls(self) -> int:
        return self._start_upstream().calls()

    def _prime(self, load: Load) -> None:
        """Have every question answered once; wrk sends them in order, so what is answered is a prefix of them."""
        before, connections = self._calls(), self.wrk.connections
        deadline = time.monotonic() + _PRIME_DEADLINE_S
        while (done := self._calls() - before) < len(load.bodies) - 1:  # One was the probe's.
            if time.monotonic() > deadline:
                raise ProcessError(f"only {done} of {len(load.bodies)} answers cached in {_PRIME_DEADLINE_S:g} s")
            self.tell(f"filling the cache: {done} of {len(load.bodies)} questions")
            first = max(0, done - connections)
            self.wrk.run(Load(load.url, [*load.bodies[first:], *load.bodies[:first]]), _PRIME_SECONDS)


def _probe(load: Load, is_hit: Callable[[httpx.Headers], bool]) -> int:
    """Ask twice, so that the second answer comes from the cache; returns the size of its body.

    Raises:
        ProcessError: An answer has another status than 200, or the second one was not cached.
    """
    headers = dict(line.split(": ") for line in HEADERS)
    with httpx.Client(timeout=_PROBE_SECONDS, trust_env=False) as client:
        for _ in range(2):
            time.sleep(_STORED_SECONDS)
            response = client.post(load.url, content=load.bodies[0], headers=headers)
            if response.status_code != 200:
                raise ProcessError(f"{load.url} answered {response.status_code}: {response.text[:200]}")
    if not is_hit(response.headers):
        raise ProcessError(f"{load.url}: the same request came twice, and the second was not answered from the cache")
    return len(response.content)
