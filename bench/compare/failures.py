"""Whether more requests fail than before, in each phase of each task."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.compare.statistics import holm, more_failed
from bench.verdict.percentiles import ALPHA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.compare.baseline import Baseline


@dataclass(frozen=True, slots=True)
class FailureRow:
    """The failures of one task in one phase, then and now; over all runs of a group.

    Attributes:
        phase: The workload.
        task: The service's task.
        old: (failed, sent) then.
        new: (failed, sent) now.
        kinds: Of what failed now.
        p: Probability of so large a difference by chance, corrected over all rows.
    """

    phase: str
    task: str
    old: tuple[int, int]
    new: tuple[int, int]
    kinds: dict[str, int]
    p: float

    @property
    def more(self) -> bool:
        """Whether more fail than before, and not by chance."""
        return self.p < ALPHA and self.new[0] / self.new[1] > self.old[0] / self.old[1]

    @property
    def change(self) -> str:
        """What it is called."""
        if self.more:
            return "MORE FAIL"
        return "FEWER FAIL" if self.p < ALPHA else "UNDECIDED"


def compare_failures(old: Sequence[Baseline], new: Sequence[Baseline]) -> list[FailureRow]:
    """Return a row for each phase and task in which any request failed.

    Args:
        old: Runs.
        new: Runs; without counts on either side there is no row.
    """
    (then, _), (now, kinds) = _sums(old), _sums(new)
    common = [key for key in then if key in now and (then[key][0] or now[key][0])]
    corrected = holm([more_failed(then[key], now[key]) for key in common])
    return [
        FailureRow(*key, then[key], now[key], dict(kinds[key].most_common()), p)
        for key, p in zip(common, corrected, strict=True)
    ]


def _sums(
    runs: Sequence[Baseline],
) -> tuple[dict[tuple[str, str], tuple[int, int]], dict[tuple[str, str], Counter[str]]]:
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    kinds: dict[tuple[str, str], Counter[str]] = {}
    for run in runs:
        for one in run.failures or ():
            failed, sent = sums.get((one.phase, one.task), (0, 0))
            sums[one.phase, one.task] = (failed + one.failed, sent + one.sent)
            kinds.setdefault((one.phase, one.task), Counter()).update(one.kinds)
    return sums, kinds
