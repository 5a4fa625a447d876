"""What the rounds of one load come to: for everybody the median of each figure, with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bench.results import Verdict
from bench.verdict.bootstrap import Interval, median_interval
from tools.perf.peers.rounds import Measurement, notes_on

if TYPE_CHECKING:
    from collections.abc import Sequence


class Trial(Measurement, frozen=True):
    """One participant in one round.

    Attributes:
        values: By heading.
        remark: What the values alone do not say; empty where that is nothing.
    """

    values: dict[str, float]
    remark: str = ""


class Row(msgspec.Struct, frozen=True):
    """A participant over all rounds.

    Attributes:
        name: One of `tools.perf.peers.field.NAMES`.
        title: For tables.
        figures: By heading: the median over the rounds with its 95 % interval.
        verdict: INVALID where a trial proves nothing; nobody is held to a bound here.
        notes: What a reader must know.
        trials: The rounds.
    """

    name: str
    title: str
    figures: dict[str, Interval]
    verdict: Verdict
    notes: list[str]
    trials: list[Trial]


class LoadTable(msgspec.Struct, frozen=True):
    """A load, and what it found of everybody.

    Attributes:
        load: Its name.
        how: What was sent, in a line.
        rows: In the order of the rounds.
    """

    load: str
    how: str
    rows: list[Row]

    @property
    def rounds(self) -> int:
        """How many are whole."""
        return len(self.rows[0].trials)


def tabulate(load: str, how: str, titles: Sequence[tuple[str, str]], rounds: Sequence[Sequence[Trial]]) -> LoadTable:
    """Sum the rounds of a load up.

    Args:
        load: Its name.
        how: What was sent, in a line.
        titles: Name and title of each participant, in the order of each round.
        rounds: Their trials; at least one round.
    """
    columns = zip(titles, zip(*rounds, strict=True), strict=True)
    return LoadTable(load, how, [_row(name, title, trials) for (name, title), trials in columns])


def _row(name: str, title: str, trials: Sequence[Trial]) -> Row:
    headings = trials[0].values
    figures = {heading: median_interval([trial.values[heading] for trial in trials]) for heading in headings}
    verdict = Verdict.INVALID if any(trial.problem for trial in trials) else Verdict.PASS
    notes = notes_on(trials)
    if remarks := [trial.remark for trial in trials if trial.remark]:
        notes.append(f"in {len(remarks)} of {len(trials)} measurements, such as the first: {remarks[0]}")
    return Row(name, title, figures, verdict, notes, list(trials))
