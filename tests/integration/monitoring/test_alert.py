"""An alert reaches somebody, and is taken back: the real service, Prometheus and Alertmanager."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.packages import ensure_program
from tests.integration.monitoring.watchers import OnCall, Watchers
from tests.integration.service.program import Program

if TYPE_CHECKING:
    from pathlib import Path

SOON_S = 60


@pytest.fixture(autouse=True)
def _programs() -> None:
    ensure_program("prometheus", "prometheus", units=("prometheus.service", "prometheus-node-exporter.service"))
    ensure_program("prometheus-alertmanager", "prometheus-alertmanager", units=("prometheus-alertmanager.service",))


def test_a_lost_service_is_told_and_its_return_too(tmp_path: Path) -> None:
    """From the service's own metrics, through this project's rules, to a webhook."""
    program = Program(AI_PROVIDER="mock", AI_FALLBACKS="mock")
    target = program.url.removeprefix("http://")
    with OnCall() as on_call, Watchers(tmp_path, target, on_call.url):
        with program:
            assert not on_call.wait_for("AlchemorselServiceDown", "firing", 5)
        assert on_call.wait_for("AlchemorselServiceDown", "firing", SOON_S)
        with Program(PORT=target.rpartition(":")[2], AI_PROVIDER="mock", AI_FALLBACKS="mock"):
            assert on_call.wait_for("AlchemorselServiceDown", "resolved", SOON_S)


def test_a_provider_that_fails_is_told(tmp_path: Path) -> None:
    """The breaker opens for want of an Ollama, callers get labelled answers, somebody is called."""
    with Program(OLLAMA_HOST="http://127.0.0.1:9", AI_FALLBACKS="mock") as program, OnCall() as on_call:
        for number in range(8):
            answer = program.ask("/api/v1/ai/suggest-ingredients", {"partial": [f"pear {number}"]})
            assert answer.json()["meta"]["degraded"]
        with Watchers(tmp_path, program.url.removeprefix("http://"), on_call.url):
            assert on_call.wait_for("AlchemorselBreakerOpen", "firing", SOON_S)
