"""The metrics that are read from the parts of the service whenever `/metrics` is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ai_service.answers.wiring import UseCases
    from ai_service.cache.store import Store
    from ai_service.health.leadership import Leadership
    from ai_service.observability.log_writer import LogWriter
    from ai_service.observability.metrics import Metrics
    from ai_service.resilience.idle_queue import IdleQueue
    from ai_service.resilience.model_chains import ModelChains


def register_gauges(
    metrics: Metrics,
    chains: ModelChains,
    use_cases: UseCases,
    *,
    store: Store,
    background: IdleQueue,
    leadership: Leadership,
    log: LogWriter,
) -> None:
    """Have the metrics read these parts.

    Args:
        metrics: Where they are registered.
        chains: Whose queues are counted.
        use_cases: Whose computations are counted.
        store: Which may be down.
        background: Refreshes and warm-ups.
        leadership: Which process does scheduled work.
        log: Which may drop lines.
    """
    metrics.follow("log_lines_dropped", "Log lines that could not be written.", lambda: log.dropped)
    queues = [link.queue for link in chains.primaries]
    waiting, running = (
        (lambda: sum(queue.waiting for queue in queues)),
        (lambda: sum(queue.running for queue in queues)),
    )
    metrics.watch("queue_waiting", "Calls that wait for the primary provider.", waiting)
    metrics.watch("queue_running", "Calls that the primary provider works on.", running)
    metrics.watch("store_available", "Whether the store answers.", lambda: store.available, across="livemin")
    metrics.watch("background_waiting", "Refreshes and warm-ups that wait for an idle moment.", lambda: len(background))
    metrics.watch("flights", "Computations under way.", lambda: len(use_cases.flights))
    metrics.watch(
        "token_budgets_per_process",
        "Whether token usage and budgets of API keys count per process, because Redis is down or absent.",
        lambda: use_cases.usage.per_process,
        across="livemax",
    )
    metrics.watch("leader", "Processes that do scheduled work; 1 with a shared store.", lambda: leadership.leads)
