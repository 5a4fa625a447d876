"""What a run of a scenario shows of which roles: from the phases that molecule printed and the scenario's inventory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from lab.scenarios import record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.scenarios.record import Run

MOLECULE = Path(__file__).resolve().parent.parent / "molecule"

_LOOKS = ("verify", "idempotence")


@dataclass(frozen=True)
class Subjects:
    """The roles of a scenario, as its inventory names them for its playbooks and tests."""

    brought: tuple[str, ...]
    """`scenario_roles`: what converging brings; none where a playbook of the site's does."""

    about: tuple[str, ...]
    """`scenario_removed`, else the last that is brought: what is restarted, taken away and looked for."""

    @classmethod
    def of(cls, scenario: str) -> Subjects:
        """Read the inventory of a scenario."""
        inventory = yaml.safe_load((MOLECULE / scenario / "inventory" / "hosts.yml").read_text())
        variables = inventory["all"].get("vars", {})
        brought = tuple(variables.get("scenario_roles", ()))
        return cls(brought, tuple(variables.get("scenario_removed", brought[-1:])))


def checked(run: Run) -> bool:
    """A dry run went through before anything was brought to the host."""
    actions = [phase.action for phase in run.phases]
    return _went_well(run, "check") and actions.index("check") < actions.index("converge")


def idempotent(run: Run) -> bool:
    """A second run changed nothing; molecule fails where it did."""
    return _went_well(run, "idempotence")


def absent(run: Run) -> bool:
    """Taken away without its data, its data were found: by the shared tests, or by a playbook of the scenario's own."""
    has_kept = any(phase.argument == "keep.yml" and phase.is_good for phase in run.phases)
    return has_kept or _tested(run, "tests/absence") is not None


def purged(run: Run) -> bool:
    """Taken away with its data, nothing of it was found."""
    return _tested(run, "tests/removal") is not None


def came_back(run: Run) -> bool:
    """After it was purged, it was brought again."""
    place = _tested(run, "tests/removal")
    return place is not None and any(phase.action == "converge" and phase.is_good for phase in run.phases[place:])


def restarted(run: Run) -> bool:
    """The host was restarted, and next all tests passed, or there was nothing left to do for the roles."""
    pairs = zip(run.phases, run.phases[1:], strict=False)
    return any(
        effect.argument.endswith("/restart.yml") and effect.is_good and after.action in _LOOKS and after.is_good
        for effect, after in pairs
    )


_OF_ALL_BROUGHT: dict[str, Callable[[Run], bool]] = {
    "Check mode on a fresh host": checked,
    "Second run changes nothing": idempotent,
}
_OF_ITS_SUBJECT: dict[str, Callable[[Run], bool]] = {
    "Absent keeps the data": absent,
    "Purge leaves nothing": purged,
    "Comes back after a purge": came_back,
    "Restart of the host": restarted,
}
CLAIMS = _OF_ALL_BROUGHT | _OF_ITS_SUBJECT
"""The first ones are shown of every role that a scenario brings, the others of the roles that it is about."""


def of_role(role: str, runs: Sequence[Run]) -> dict[str, list[str]]:
    """For each claim the releases on which a run that passed shows it of a role."""
    brought = [run for run in runs if role in Subjects.of(run.scenario).brought]
    about = [run for run in runs if role in Subjects.of(run.scenario).about]
    return {claim: _suites(brought if claim in _OF_ALL_BROUGHT else about, claim) for claim in CLAIMS}


def of_scenario(runs: Sequence[Run]) -> dict[str, list[str]]:
    """For each claim the releases on which a run of these that passed shows it of all that the scenario brings."""
    return {claim: _suites(runs, claim) for claim in CLAIMS}


def _suites(runs: Sequence[Run], claim: str) -> list[str]:
    return sorted({run.suite for run in runs if run.result == record.PASSED and CLAIMS[claim](run)})


def _went_well(run: Run, action: str) -> bool:
    return any(phase.action == action and phase.is_good for phase in run.phases)


def _tested(run: Run, folder: str) -> int | None:
    """The place after the last phase whose tests of a folder passed."""
    places = [place for place, phase in enumerate(run.phases, 1) if phase.tests == folder and phase.is_good]
    return places[-1] if places else None
