"""A herd: many ask the same new question at once. How often is the model asked, and how long does the last one wait?"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

from tools.perf.budgets.burst import ask_together
from tools.perf.budgets.herd import PEOPLE
from tools.perf.peers.load_table import LoadTable, Trial, tabulate
from tools.perf.peers.rounds import attempt, measure_in_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tools.perf.peers.field import Field, Running

LOAD = "herd"


def compare(field: Field, running: Sequence[Running], *, rounds: int, done: Callable[[str, Trial], None]) -> LoadTable:
    """Let a herd come to everybody in turns; on Ctrl-C end with the rounds that are whole.

    Args:
        field: Where they run.
        running: In the order of each round.
        rounds: How many.
        done: Is told of every trial, with its title.

    Raises:
        BenchError: A server died.
        KeyboardInterrupt: Before the first round was whole.
    """
    numbers = itertools.count()

    def measure(one: Running) -> Trial:
        trial = attempt(lambda: _measure(field, one, numbers))
        done(one.title, trial)
        return trial

    for one in running:  # The first call also makes connections to the stand-in.
        asyncio.run(ask_together(one.url, one.question(next(numbers)), 1, one.headers))
    trials = measure_in_turns(running, measure, rounds)
    how = f"{PEOPLE} equal new questions at once; a stand-in of {field.delay_ms:g} ms in place of a model"
    return tabulate(LOAD, how, [(one.name, one.title) for one in running], trials)


def _measure(field: Field, one: Running, numbers: Iterator[int]) -> Trial:
    (alone_s,) = asyncio.run(ask_together(one.url, one.question(next(numbers)), 1, one.headers))
    before = field.calls()
    slowest_s = max(asyncio.run(ask_together(one.url, one.question(next(numbers)), PEOPLE, one.headers)))
    calls = field.calls() - before
    values = {"calls": float(calls), "slowest ms": slowest_s * 1000, "slowest / alone": slowest_s / alone_s}
    return Trial(values, problem="" if calls else "the question was no new one")
