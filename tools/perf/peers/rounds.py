"""Rounds: in each, everybody is measured once, one after the other.

So whatever else the machine does hits all alike, and what counts are ratios of measurements of the same round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

P = TypeVar("P")
R = TypeVar("R")
M = TypeVar("M", bound="Measurement")


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of one participant in one round.

    Attributes:
        problem: Why it proves nothing; empty where it does.
        repeated_for: Why a first attempt proved nothing; empty where there was none.
    """

    problem: str = ""
    repeated_for: str = ""


def attempt(measure: Callable[[], M]) -> M:
    """Measure; where that proved nothing, once more, which the measurement then says."""
    first = measure()
    if not first.problem:
        return first
    return msgspec.structs.replace(measure(), repeated_for=first.problem)


def measure_in_turns(participants: Sequence[P], measure: Callable[[P], R], rounds: int) -> list[list[R]]:
    """Measure everybody in turns; on Ctrl-C end with the rounds that are whole.

    Args:
        participants: In the order of each round.
        measure: Measures one of them.
        rounds: How many.

    Returns:
        Of each round, the measurements in that order.

    Raises:
        KeyboardInterrupt: Before the first round was whole.
    """
    rows: list[list[R]] = []
    try:
        while len(rows) < rounds:
            rows.append([measure(participant) for participant in participants])
    except KeyboardInterrupt:
        if not rows:
            raise
    return rows


def notes_on(measurements: Sequence[Measurement]) -> list[str]:
    """Return what a reader must know of the measurements of a participant: problems, and what was repeated."""
    notes = sorted({one.problem for one in measurements if one.problem})
    if repeated := [one.repeated_for for one in measurements if one.repeated_for]:
        notes.append(
            f"{len(repeated)} of {len(measurements)} measurements were repeated, the first because {repeated[0]}"
        )
    return notes
