"""The metrics: name, type, label names, help."""

from __future__ import annotations

from typing import Any

from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from ai_service.observability.metrics import Metrics
from tests.golden.served import served


def describe_metrics() -> str:
    """Return one line for each metric that the real program shows."""
    labels = _declared()
    lines = [
        f"{family.name} {family.type} {{{','.join(labels.get(family.name) or _seen(family))}}} {family.documentation}"
        for family in text_string_to_metric_families(served().scrape)
    ]
    return "\n".join(sorted(lines)) + "\n"


def _seen(family: Any) -> list[str]:
    return sorted({label for sample in family.samples for label in sample.labels})


def _declared() -> dict[str, list[str]]:
    """Label names by metric as the service declares them: what was never counted has no sample to show them."""
    return {
        each._name: sorted(each._labelnames)  # noqa: SLF001 - prometheus-client tells labels of samples only
        for each in Metrics().registry._collector_to_names  # noqa: SLF001 - and collectors not at all
        if isinstance(each, MetricWrapperBase)
    }
