"""The service's metrics, in a registry of their own. Every label takes few, known values."""

from __future__ import annotations

import asyncio
import logging
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import (
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from ai_service import __version__
from ai_service.observability.multiprocess_metrics import OwnRegistry
from ai_service.observability.process_metrics import Across, ProcessMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ai_service.observability.multiprocess_metrics import MetricsFolder

logger = logging.getLogger(__name__)

REQUEST_BUCKETS = (
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60,
)  # fmt: skip
"""Seconds: hits resolve from 0.5 to 100 ms, misses from 1 to 60 s."""
PREFIX = "alchemorsel_ai_"
BREAKER_STATES = {"closed": 0, "half-open": 1, "open": 2}


REFRESH_S = 1.0


class _Total:
    """A counter of what is counted elsewhere."""

    def __init__(self, counter: Counter, read: Callable[[], float]) -> None:
        self._counter = counter
        self._read = read
        self._seen = 0.0

    def refresh(self) -> None:
        """Count what came since the last time."""
        now = self._read()
        self._counter.inc(now - self._seen)
        self._seen = now


class Metrics:
    """Counters, histograms and gauges, named `alchemorsel_ai_*` in base units.

    Where the instances of a host share a folder, each one shows the sum over all of them, those that have ended
    included; gauges are summed over those that live, or the worst of them is shown, and are a second old at most.

    What is noted of an answer while its caller waits is counted once they have it, or when the metrics are read.

    Args:
        folder: Shared by the instances of this host, and open; None shows this process alone.
    """

    def __init__(self, folder: MetricsFolder | None = None) -> None:
        # Start times of every series double the page, and nobody reads them.
        disable_created_metrics()  # type: ignore[no-untyped-call] # the library's function has no types
        self.registry = OwnRegistry()
        self._folder = folder
        self._process: ProcessMetrics | None = None
        self._watched: list[tuple[Gauge, Callable[[], float]]] = []
        self._totals: list[_Total] = []
        self._noted: list[Callable[[], None]] = []
        PlatformCollector(registry=self.registry)
        if folder is None:
            ProcessCollector(registry=self.registry)
            GCCollector(registry=self.registry)
        else:
            self._process = ProcessMetrics(self.registry)
        self._requests = self._counter("requests", "Requests for a task.", "task", "cache", "status")
        self._request_duration = self._histogram("request_duration_seconds", "Time to answer.", "task", "cache")
        self._provider_calls = self._counter(
            "provider_calls", "Calls of a provider.", "provider", "task", "outcome", "purpose"
        )
        self._background = self._counter(
            "background_jobs", "Refreshes and warm-ups, by how they ended.", "purpose", "task", "outcome"
        )
        self._provider_duration = self._histogram(
            "provider_duration_seconds", "Time a provider took, waiting for admission excluded.", "provider", "task"
        )
        self._first_text = self._histogram(
            "time_to_first_token_seconds", "Time until a provider's first text, loading included.", "provider", "task"
        )
        self._load_duration = self._histogram("model_load_duration_seconds", "Time loading a model took.", "provider")
        self._queue_duration = self._histogram("queue_duration_seconds", "Time waited for admission.", "provider")
        self._fallbacks = self._counter(
            "fallbacks", "Times that the next provider was tried.", "provider", "task", "reason"
        )
        self._tokens = self._counter(
            "client_token_usage", "Tokens, by OpenTelemetry's GenAI names.", "gen_ai_system", "gen_ai_token_type"
        )
        self._refusals = self._counter(
            "refusals", "Requests refused for want of a key, a right, a rate or a token budget.", "reason"
        )
        self._store_failures = self._counter("store_failures", "Failed store operations.", "operation")
        self._breaker = self._gauge("breaker_state", "0 closed, 1 half-open, 2 open.", "provider", across="livemax")
        self._server_calls = self._counter("ollama_server_calls", "Calls of an Ollama server.", "server", "outcome")
        self._server_breaker = self._gauge(
            "ollama_server_breaker_state",
            "0 closed, 1 half-open, 2 open; the worst of the addresses of a name.",
            "server",
            across="livemax",
        )
        self._server_running = self._gauge("ollama_server_running", "Calls that a server works on.", "server")
        self._server_slots = self._gauge(
            "ollama_server_slots",
            "Calls that one model of a server works on at a time; 0 of one that is drained.",
            "server",
            across="livemax",
        )
        self._confidence = self._histogram(
            "answer_confidence",
            "Confidence of computed answers.",
            "task",
            buckets=[step / 10 for step in range(1, 11)],
        )
        self._gauge("workers", "Processes that serve.").set(1)
        self._gauge("build_info", "Always 1.", "version", across="livemax").labels(__version__).set(1)

    def request(self, task: str, cache: str, status: int, seconds: float) -> None:
        """Count a request."""
        if self._noted:
            self._count_noted()
        self._requests(task, cache, status).inc()
        self._request_duration(task, cache).observe(seconds)

    def first_text(self, provider: str, task: str, seconds: float) -> None:
        """Record a provider's time to its first text, in seconds."""
        self._noted.append(lambda: self._first_text(provider, task).observe(seconds))

    def provider_call(
        self, provider: str, task: str, outcome: str, seconds: float, *, purpose: str = "request"
    ) -> None:
        """Count a call that reached a provider, by its purpose: `request`, `refresh` or `warmup`."""
        self._noted.append(lambda: self._provider_calls(provider, task, outcome, purpose).inc())
        self._noted.append(lambda: self._provider_duration(provider, task).observe(seconds))

    def background(self, purpose: str, task: str, outcome: str) -> None:
        """Count a background job."""
        self._count_noted()
        self._background(purpose, task, outcome).inc()

    def completion(self, provider: str, *, load_s: float, prompt_tokens: int, completion_tokens: int) -> None:
        """Record the load time and token counts of a completion."""
        if load_s:
            self._noted.append(lambda: self._load_duration(provider).observe(load_s))
        self._noted.append(lambda: self._tokens(provider, "input").inc(prompt_tokens))
        self._noted.append(lambda: self._tokens(provider, "output").inc(completion_tokens))

    def queued(self, provider: str, seconds: float) -> None:
        """Record a wait for admission, in seconds."""
        self._noted.append(lambda: self._queue_duration(provider).observe(seconds))

    def answer(self, task: str, confidence: float) -> None:
        """Record a computed answer's confidence."""
        self._noted.append(lambda: self._confidence(task).observe(confidence))

    def fallback(self, provider: str, task: str, reason: str) -> None:
        """Count a skipped provider."""
        self._fallbacks(provider, task, reason).inc()

    def refused(self, reason: str) -> None:
        """Count a request refused for its API key, by the error's `code`."""
        self._refusals(reason).inc()

    def store_failure(self, operation: str) -> None:
        """Count a failed store operation."""
        self._store_failures(operation).inc()

    def breaker(self, provider: str, state: str) -> None:
        """Set the gauge of a circuit breaker's state."""
        self._breaker.labels(provider).set(BREAKER_STATES[state])

    def server_call(self, server: str, outcome: str) -> None:
        """Count a call of an Ollama server, by its entry in the list."""
        self._server_calls(server, outcome).inc()

    def server_state(self, server: str, *, slots: int, running: int, breaker: str) -> None:
        """Set the gauges of an Ollama server, by its entry in the list."""
        self._server_slots.labels(server).set(slots)
        self._server_running.labels(server).set(running)
        self._server_breaker.labels(server).set(BREAKER_STATES[breaker])

    def watch(self, name: str, help_text: str, read: Callable[[], float], *, across: Across = "livesum") -> None:
        """Register a gauge, read whenever the metrics are rendered.

        Args:
            name: Without the prefix.
            help_text: In a sentence.
            read: Gives the value.
            across: What is shown of several instances: `livesum`, `livemin` or `livemax`.
        """
        gauge = self._gauge(name, help_text, across=across)
        if self._folder:
            self._watched.append((gauge, read))
        else:
            gauge.set_function(read)

    def follow(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """Count what is counted elsewhere, and read whenever the metrics are.

        Args:
            name: Without the prefix.
            help_text: In a sentence.
            read: Gives the total so far.
        """
        self._totals.append(_Total(Counter(f"{PREFIX}{name}", help_text, registry=self.registry), read))

    async def keep_fresh(self) -> None:
        """Write down every second what is watched, for the other instances; return at once where there are none."""
        while self._folder:
            try:
                self.refresh()
            except Exception:
                logger.exception("writing down what is watched failed unexpectedly")
            await asyncio.sleep(REFRESH_S)

    def _count_noted(self) -> None:
        noted, self._noted = self._noted, []
        for count in noted:
            count()

    def refresh(self) -> None:
        """Count what was noted, and read what is watched."""
        self._count_noted()
        for gauge, read in self._watched:
            gauge.set(read())
        for total in self._totals:
            total.refresh()
        if self._process:
            self._process.refresh()

    async def render(self) -> bytes:
        """Write all of it in the text format of Prometheus; in a thread, since it takes some ten milliseconds."""
        self.refresh()
        return await asyncio.to_thread(
            generate_latest, self._folder.sum(self.registry) if self._folder else self.registry
        )

    # A metric's children by their labels, remembered: looking one up costs the library more than counting in it.

    def _counter(self, name: str, help_text: str, *labels: str) -> Callable[..., Counter]:
        return cache(Counter(f"{PREFIX}{name}", help_text, labels, registry=self.registry).labels)

    def _gauge(self, name: str, help_text: str, *labels: str, across: Across = "livesum") -> Gauge:
        return Gauge(f"{PREFIX}{name}", help_text, labels, registry=self.registry, multiprocess_mode=across)

    def _histogram(
        self, name: str, help_text: str, *labels: str, buckets: Sequence[float] = REQUEST_BUCKETS
    ) -> Callable[..., Histogram]:
        histogram = Histogram(f"{PREFIX}{name}", help_text, labels, buckets=buckets, registry=self.registry)
        return cache(histogram.labels)
