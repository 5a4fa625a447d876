"""Count what the operating system says of the process, so that it can be added up over several."""

from __future__ import annotations

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

Across = Literal["livesum", "livemin", "livemax"]
"""What is shown of a gauge that several processes have."""
START_TIME = "process_start_time_seconds"


class ProcessMetrics:
    """The metrics of prometheus-client's ProcessCollector, as values that are written down.

    Over several processes times and sizes are summed; of the start times the latest is shown.

    Args:
        registry: Where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._read = ProcessCollector(registry=None).collect
        self._gauges: dict[str, Gauge] = {}
        self._counters: dict[str, tuple[Counter, float]] = {}
        for metric in self._read():
            name, text = metric.name, metric.documentation
            if metric.type == "counter":
                self._counters[name] = Counter(name, text, registry=registry), 0.0
            else:
                across: Across = "livemax" if name == START_TIME else "livesum"
                self._gauges[name] = Gauge(name, text, registry=registry, multiprocess_mode=across)

    def refresh(self) -> None:
        """Write down the present values."""
        for metric in self._read():
            value = metric.samples[0].value
            if metric.type == "counter":
                counter, before = self._counters[metric.name]
                counter.inc(max(0.0, value - before))
                self._counters[metric.name] = counter, value
            else:
                self._gauges[metric.name].set(value)
