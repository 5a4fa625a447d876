"""The measurements behind the budgets, on real processes, very short; what they find is left open here."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bench.errors import TargetError
from bench.results import Verdict
from lab.packages import ensure_program
from tools.perf.budgets import herd, memory, overhead
from tools.perf.budgets.burst import ask_together
from tools.perf.budgets.command import system
from tools.perf.errors import ProcessError
from tools.perf.peers.cores import Cores
from tools.perf.peers.service import RECIPE_PATH, AIService, Redis, Upstream, recipe_request
from tools.perf.peers.wrk import Wrk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cores() -> Cores:
    """Everybody anywhere: nothing is timed here."""
    everywhere = frozenset(os.sched_getaffinity(0))
    return Cores(everywhere, everywhere, everywhere)


@contextmanager
def beside(folder: Path, cores: Cores) -> Iterator[tuple[AIService, Upstream, AIService]]:
    """Run the service, its upstream and, in LiteLLM's place, a second service with a Redis of its own."""
    with (
        system(folder, cores, delay_ms=20) as (service, upstream),
        Redis(folder, cores.others) as redis,
        AIService(folder, cores.server, upstream, redis) as other,
    ):
        yield service, upstream, other


def test_a_miss_is_measured_directly_and_through_the_service(tmp_path: Path, cores: Cores) -> None:
    """Every answer through the service was computed, and cost more than none."""
    with beside(tmp_path, cores) as (service, upstream, other):
        found = overhead.measure(service, upstream, other, lambda _text: None, pairs=2)
        assert upstream.last_request().startswith("{")
    assert Verdict.INVALID not in {finding.verdict for finding in found}, found
    assert all(finding.value > 0 for finding in found)


def test_questions_that_were_asked_before_are_no_misses(tmp_path: Path, cores: Cores) -> None:
    """A cached answer would make the service look faster than what is behind it."""
    with beside(tmp_path, cores) as (service, upstream, other):
        overhead.measure(service, upstream, other, lambda _text: None, pairs=1)
        again = overhead.measure(service, upstream, other, lambda _text: None, pairs=1)
    assert {finding.verdict for finding in again} == {Verdict.INVALID}


def test_a_call_without_an_answer_is_no_fast_call(tmp_path: Path, cores: Cores) -> None:
    """A service that is gone ends the measurement."""
    with beside(tmp_path, cores) as (service, upstream, other):
        pass
    with pytest.raises(ProcessError, match="expected status 200, got ConnectionRefused"):
        overhead.measure(service, upstream, other, lambda _text: None, pairs=2)


def test_a_herd_costs_one_provider_call(tmp_path: Path, cores: Cores) -> None:
    """By the provider's own count."""
    with system(tmp_path, cores, delay_ms=300) as (service, upstream):
        _, calls = asyncio.run(herd.measure(service, upstream, herds=1))
    assert (calls.value, calls.verdict) == (1, Verdict.PASS)


def test_an_error_among_the_answers_is_reported(tmp_path: Path, cores: Cores) -> None:
    """It would be a fast answer otherwise."""
    with system(tmp_path, cores) as (service, _), pytest.raises(TargetError, match="expected status 200"):
        asyncio.run(ask_together(f"{service.url}{RECIPE_PATH}/none", recipe_request(), 2))


def test_memory_is_read_after_the_requests(tmp_path: Path, cores: Cores) -> None:
    """A Python process weighs some 20 MB at least, and every question was computed once."""
    ensure_program("wrk", "wrk")
    with system(tmp_path, cores) as (service, upstream):
        finding = memory.measure(service, upstream, Wrk(cores.generator, 4), lambda _text: None, requests=1)
    assert finding.verdict is not Verdict.INVALID, finding.how
    assert finding.value > 20
