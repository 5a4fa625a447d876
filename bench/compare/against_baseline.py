"""A run held against a baseline: refused before it begins where that is in vain, compared after it in its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.compare.baseline import condense, describe_load, load_baseline
from bench.compare.defaults import MIN_CHANGE
from bench.load.plan import describe_arrivals, plan

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from bench.compare.comparison import Comparison
    from bench.results import Result
    from bench.samples import Sample
    from bench.verdict.slo import Profile


class AgainstBaseline:
    """What runs are compared with.

    Args:
        file: A baseline, or the folder of a run.

    Raises:
        FileFormatError: It is neither.
        NotComparableError: It is a run that proves nothing.
    """

    def __init__(self, file: Path) -> None:
        self._baseline = load_baseline(file)

    @property
    def name(self) -> str:
        """What a reader calls it."""
        return f"the run of {self._baseline.started_at[:16]}"

    def require_same_load(self, profile: Profile, workloads: Collection[str]) -> None:
        """Make sure that a run can be compared, before it is made.

        Args:
            profile: What it will send.
            workloads: Those of the profile that it will run.

        Raises:
            NotComparableError: It will be under other load.
        """
        phases = (phase for phase in plan(profile.load, "") if phase.name in workloads)
        planned = describe_load((phase.name, phase.task, describe_arrivals(phase)) for phase in phases)
        self._baseline.refuse_other_load(profile.name, planned)

    def compare(self, result: Result, samples: Sequence[Sample]) -> Comparison:
        """Compare a run.

        Args:
            result: The run.
            samples: Its raw samples.

        Raises:
            NotComparableError: It proves nothing, or was under other load.
        """
        from bench.compare.comparison import compare  # noqa: PLC0415 - SciPy takes a second to import

        return compare(self._baseline, condense(result, samples), MIN_CHANGE)
