"""Misses, closed loop: every request is a new question, and the stand-in for the model takes a fixed time for each."""

from __future__ import annotations

import asyncio
import itertools
import math
from typing import TYPE_CHECKING

import msgspec

from tools.perf.budgets.burst import ask_together
from tools.perf.peers.load_table import LoadTable, Trial, tabulate
from tools.perf.peers.rounds import attempt, measure_in_turns
from tools.perf.peers.wrk import Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tools.perf.peers.field import Field, Running
    from tools.perf.peers.wrk import Wrk

LOAD = "misses"
_MARGIN = 1.5
"""So many times more questions than the stand-in can answer meanwhile: none is asked twice."""


def compare(
    field: Field,
    running: Sequence[Running],
    wrk: Wrk,
    *,
    rounds: int,
    seconds: float,
    done: Callable[[str, Trial], None],
) -> LoadTable:
    """Measure everybody in turns, the stand-in itself first; on Ctrl-C end with the rounds that are whole.

    Args:
        field: Where they run; its upstream takes some time.
        running: In the order of each round, the stand-in first.
        wrk: The generator.
        rounds: How many.
        seconds: For each in each round.
        done: Is told of every trial, with its title.

    Raises:
        BenchError: The generator failed, or a server died.
        KeyboardInterrupt: Before the first round was whole.
    """
    numbers = itertools.count()

    def measure(one: Running) -> Trial:
        trial = attempt(lambda: _measure(field, one, wrk, seconds, numbers))
        done(one.title, trial)
        return trial

    for one in running:  # The first call also makes connections to the stand-in.
        asyncio.run(ask_together(one.url, one.question(next(numbers)), 1, one.headers))
    trials = [relate(row) for row in measure_in_turns(running, measure, rounds)]
    how = (
        f"new questions over {wrk.connections} connections, closed loop, {seconds:g} s each;"
        f" a stand-in of {field.delay_ms:g} ms in place of a model"
    )
    return tabulate(LOAD, how, [(one.name, one.title) for one in running], trials)


def relate(row: Sequence[Trial]) -> list[Trial]:
    """Hold the trials of a round against the stand-in's, which is the first of them."""
    direct = row[0].values
    return [
        msgspec.structs.replace(
            trial,
            values={
                "ms added": trial.values["p50 ms"] - direct["p50 ms"],
                **trial.values,
            },
        )
        for trial in row
    ]


def find_problem(*, requests: int, unanswered: int, computed: int, connections: int) -> str:
    """Return why figures are not those of misses, or nothing.

    Args:
        requests: Answered ones.
        unanswered: Without an answer, or with another status than 200.
        computed: Answers that the stand-in was asked for meanwhile.
        connections: Of the generator: so many requests are under way when it ends.
    """
    if unanswered:
        return f"{unanswered} requests failed"
    if not requests <= computed <= requests + 2 * connections:
        return f"the stand-in was asked {computed} times for {requests} answers"
    return ""


def _measure(field: Field, one: Running, wrk: Wrk, seconds: float, numbers: Iterator[int]) -> Trial:
    load = _load(field, one, wrk, seconds, numbers)
    calls, cpu = field.calls(), one.server.cpu_seconds()
    figures, _ = wrk.run(load, seconds)
    cpu, calls = one.server.cpu_seconds() - cpu, field.calls() - calls
    values = {
        "p50 ms": figures.p50_us / 1000,
        "p99 ms": figures.p99_us / 1000,
        "CPU ms": cpu / figures.requests * 1000,
    }
    unanswered = figures.failed + figures.not_2xx
    problem = find_problem(
        requests=figures.requests, unanswered=unanswered, computed=calls, connections=wrk.connections
    )
    return Trial(values, problem=problem)


def _load(field: Field, one: Running, wrk: Wrk, seconds: float, numbers: Iterator[int]) -> Load:
    most = wrk.connections * (seconds / (field.delay_ms / 1000) * _MARGIN + 2)
    bodies = [one.question(number) for number in itertools.islice(numbers, math.ceil(most))]
    return Load(one.url, bodies, one.headers)
