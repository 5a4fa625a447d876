"""The open-loop generator without a server."""

from __future__ import annotations

import pytest

from bench.errors import GeneratorError
from lab.ports import free_port
from tools.perf.peers.pacer import Plan, send


def test_a_server_that_answers_nothing_has_no_latency() -> None:
    """Refused connections are no fast answers."""
    plan = Plan(f"http://127.0.0.1:{free_port()}/x", ["{}"], {}, rate=100.0, seconds=0.2, warmup_seconds=0.1)
    with pytest.raises(GeneratorError, match="none of 10 requests was answered"):
        send(plan)
