"""Callers ask a stand-in for Ollama directly and through the service, very few; how fast is left open here."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from bench.errors import TargetError
from bench.results import Verdict
from lab.packages import ensure_program
from lab.ports import free_port
from lab.stand_in_ollama import MODEL, StandInOllama
from tools.perf.peers.edge import Host
from tools.perf.peers.service import Redis
from tools.perf.throughput.callers import Callers
from tools.perf.throughput.command import Ollama, print_ratios
from tools.perf.throughput.comparison import DIRECT, compare, relate

if TYPE_CHECKING:
    from pathlib import Path

PARALLEL = (1, 2)


def test_each_answer_through_the_service_is_computed_once(tmp_path: Path) -> None:
    """By Ollama's own count: as many directly as through the edge."""
    ensure_program("redis-server", "redis-server", units=("redis-server.service",))
    everywhere = frozenset(os.sched_getaffinity(0))
    with ExitStack() as stack:
        ollama = stack.enter_context(StandInOllama(slots=2))
        redis = stack.enter_context(Redis(tmp_path, everywhere))
        host = stack.enter_context(Host(tmp_path, everywhere, Ollama(ollama.url, MODEL), redis))
        urls = {DIRECT: ollama.url, "edge": host.url}
        ways = {way: Callers(url, MODEL, time.process_time, direct=way == DIRECT) for way, url in urls.items()}
        for callers in ways.values():
            stack.enter_context(callers)
        rounds = compare(ways, rounds=2, parallel=PARALLEL, done=lambda _parallel, _turn: None)
    # Each way: two chats that load the model, then in two rounds one chat of one caller and of each of two.
    assert ollama.asked == 2 * (2 + 2 * (1 + 2))

    ratios = relate(rounds, PARALLEL)
    assert [(each.way, each.parallel, each.verdict) for each in ratios] == [
        ("edge", parallel, Verdict.INCONCLUSIVE) for parallel in PARALLEL
    ]
    console = Console(width=100, record=True)
    print_ratios(ratios, {}, console)
    assert "edge" in console.export_text()


def test_a_server_that_is_gone_ends_the_measurement() -> None:
    """No answer is no fast answer."""
    with (
        Callers(f"http://127.0.0.1:{free_port()}", MODEL, time.process_time, direct=True) as callers,
        pytest.raises(TargetError, match="does not answer /api/chat"),
    ):
        callers.ask(2)
