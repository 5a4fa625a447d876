"""Rounds of callers, and what the service's throughput is of Ollama's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bench.results import Verdict
from bench.verdict.bootstrap import median_interval, ratio_interval
from tools.perf.peers.ranking import judge_at_least
from tools.perf.peers.rounds import Measurement, attempt, measure_in_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tools.perf.throughput.callers import Answered, Callers

DIRECT = "Ollama directly"
LEAST = 0.98
PARALLEL = (1, 2, 4)


class Turn(Measurement, frozen=True):
    """So many callers in one round, each way once.

    Attributes:
        rates: Tokens a second, by way.
        cpu_ms: CPU time a token in milliseconds, by way.
    """

    rates: dict[str, float]
    cpu_ms: dict[str, float]


class Ratio(msgspec.Struct, frozen=True):
    """One way to ask, by so many callers, over all rounds.

    Attributes:
        way: Through what.
        parallel: Callers.
        rate: Tokens a second, median.
        direct_rate: Those of Ollama asked directly in the same rounds, median.
        ratio: Of both in the same round, median.
        low: Lower bound of its 95 % interval.
        high: Upper bound.
        cpu_ratio: CPU time a token of Ollama asked directly over that of Ollama and service, in the same round: what
            the ratio would be on a machine that does nothing else, and all the time. Shown, not judged.
        cpu_low: Lower bound of its 95 % interval.
        cpu_high: Upper bound.
        verdict: Of the bound `LEAST`.
        problems: Why that is INVALID.
    """

    way: str
    parallel: int
    rate: float
    direct_rate: float
    ratio: float
    low: float
    high: float
    cpu_ratio: float
    cpu_low: float
    cpu_high: float
    verdict: Verdict
    problems: list[str]


def compare(
    ways: Mapping[str, Callers], *, rounds: int, parallel: Sequence[int], done: Callable[[int, Turn], None]
) -> list[list[Turn]]:
    """Let callers ask each way in turns; on Ctrl-C end with the rounds that are whole.

    Args:
        ways: By title; `DIRECT` among them.
        rounds: How many.
        parallel: Numbers of callers.
        done: Is told of every turn, with its number of callers.

    Returns:
        Of each round, a turn for each number of callers.

    Raises:
        TargetError: An answer did not come.
        KeyboardInterrupt: Before the first round was whole.
    """
    for callers in ways.values():  # The model may have to be loaded first.
        callers.ask(max(parallel), 1)
    order = list(ways)

    def measure(count: int) -> Turn:
        order.append(order.pop(0))
        turn = attempt(lambda: _measure(ways, order, count))
        done(count, turn)
        return turn

    return measure_in_turns(parallel, measure, rounds)


def relate(rounds: Sequence[Sequence[Turn]], parallel: Sequence[int]) -> list[Ratio]:
    """Return what each way reached, held to the bound.

    Args:
        rounds: At least one, as `compare` returns them.
        parallel: Numbers of callers, in the order of each round.
    """
    ratios = []
    for place, count in enumerate(parallel):
        turns = [row[place] for row in rounds]
        problems = sorted({turn.problem for turn in turns if turn.problem})
        direct, direct_cpu = [turn.rates[DIRECT] for turn in turns], [turn.cpu_ms[DIRECT] for turn in turns]
        for way in turns[0].rates:
            if way == DIRECT:
                continue
            rates = [turn.rates[way] for turn in turns]
            found = ratio_interval(rates, direct)
            by_cpu = ratio_interval(direct_cpu, [turn.cpu_ms[way] for turn in turns])
            ratios.append(
                Ratio(
                    way=way,
                    parallel=count,
                    rate=median_interval(rates).median,
                    direct_rate=median_interval(direct).median,
                    ratio=found.median,
                    low=found.low,
                    high=found.high,
                    cpu_ratio=by_cpu.median,
                    cpu_low=by_cpu.low,
                    cpu_high=by_cpu.high,
                    verdict=Verdict.INVALID if problems else judge_at_least(LEAST, found, len(turns)),
                    problems=problems,
                )
            )
    return ratios


def _measure(ways: Mapping[str, Callers], order: Sequence[str], count: int) -> Turn:
    """Ask each way once, in an order that changes every time."""
    answered = {way: ways[way].ask(count) for way in order}
    rates = {way: answered[way].rate for way in ways}
    return Turn(rates, {way: answered[way].cpu_ms for way in ways}, problem=find_problem(answered))


def find_problem(answered: Mapping[str, Answered]) -> str:
    """Return why answers do not compare, or nothing.

    Args:
        answered: By way.
    """
    for way, found in answered.items():
        if found.computed < found.chats:
            return f"{way}: only {found.computed} of {found.chats} answers were computed"
    if len(tokens := {found.tokens for found in answered.values()}) > 1:
        return f"the model wrote {min(tokens)} to {max(tokens)} tokens, so the ways had different work"
    return ""
