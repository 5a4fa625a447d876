"""Writes into `docs/roles.md` what is tested of each role, and on which release (`make docs`).

All of it comes from what runs: the matrix of scenarios and releases, the phases and roles of each scenario.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import yaml

from lab.images import SUITES
from lab.paths import ROOT
from lab.scenarios.matrix import SCENARIOS
from tools.docs.role_tables import roles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PAGE = ROOT / "docs" / "roles.md"
MOLECULE = ROOT / "molecule"
BEGIN = "<!-- matrix: made from lab/scenarios/matrix.py and molecule/ by `make docs` -->\n"
END = "<!-- /matrix -->\n"
DEBIAN = dict(zip(SUITES, ("12", "13"), strict=True))
"""Numbers of the releases."""


@dataclass(frozen=True)
class Scenario:
    """A scenario as its files say."""

    name: str
    purpose: str
    """The comment that its molecule.yml begins with."""

    phases: tuple[str, ...]
    """Molecule's actions, each with the playbook or folder that is named after it."""

    brought: tuple[str, ...]
    """`scenario_roles`: the roles that converging brings; none where a playbook of the site's does."""

    about: tuple[str, ...]
    """`scenario_removed`, else the last that is brought: what is restarted, taken away and looked for."""

    @classmethod
    @cache
    def read(cls, name: str) -> Scenario:
        """Read the files of a scenario."""
        folder = MOLECULE / name
        inventory = _load(folder / "inventory" / "hosts.yml")["all"].get("vars", {})
        brought = tuple(inventory.get("scenario_roles", ()))
        settings = _load(folder / "molecule.yml")["scenario"]
        shared = _load(ROOT / ".config" / "molecule" / "config.yml")["scenario"]
        return cls(
            name,
            _purpose((folder / "molecule.yml").read_text(encoding="utf-8")),
            tuple((shared | settings)["test_sequence"]),
            brought,
            tuple(inventory.get("scenario_removed", brought[-1:])),
        )

    @property
    def releases(self) -> str:
        """Numbers of the Debian releases that it runs on."""
        return " ".join(DEBIAN[suite] for suite in SUITES if suite in SCENARIOS[self.name])


def _checked(phases: Sequence[str]) -> bool:
    """There is a dry run before anything is brought to the host."""
    return "check" in phases and phases.index("check") < phases.index("converge")


def _restarted(phases: Sequence[str]) -> bool:
    """After a restart everything is tested, or nothing may be left to do for the roles."""
    return any(
        effect.endswith("/restart.yml") and after.startswith(("verify", "idempotence"))
        for effect, after in pairwise(phases)
    )


def _kept(phases: Sequence[str]) -> bool:
    """Return whether the data are verified after the role's removal, by shared tests or the scenario's own playbook."""
    return "verify ../../tests/absence" in phases or "side_effect keep.yml" in phases


def _purged(phases: Sequence[str]) -> bool:
    """Remains are looked for after the role was purged."""
    return "verify ../../tests/removal" in phases


def _returned(phases: Sequence[str]) -> bool:
    """Return whether the role is applied again after its purge."""
    return _purged(phases) and "converge" in phases[phases.index("verify ../../tests/removal") :]


_OF_ALL_BROUGHT: dict[str, Callable[[Sequence[str]], bool]] = {
    "Check mode on a fresh host": _checked,
    "Second run changes nothing": lambda phases: "idempotence" in phases,
}
_OF_ITS_SUBJECT: dict[str, Callable[[Sequence[str]], bool]] = {
    "Absent keeps the data": _kept,
    "Purge leaves nothing": _purged,
    "Comes back after a purge": _returned,
    "Restart of the host": _restarted,
}
CLAIMS = _OF_ALL_BROUGHT | _OF_ITS_SUBJECT
"""The first ones are tested of every role that a scenario brings, the others of the roles that it is about."""


def releases_by_claim(role: str) -> dict[str, list[str]]:
    """Return for each claim the releases on which a scenario tests it of a role."""
    everything = [Scenario.read(name) for name in SCENARIOS]
    found = {}
    for claim, holds in CLAIMS.items():
        chosen = (
            each
            for each in everything
            if role in (each.brought if claim in _OF_ALL_BROUGHT else each.about) and holds(each.phases)
        )
        suites = {suite for each in chosen for suite in SCENARIOS[each.name]}
        found[claim] = [DEBIAN[suite] for suite in SUITES if suite in suites]
    return found


def role_table() -> str:
    """Return a row a role: the releases on which each claim is tested."""
    rows = [
        [f"[{role}](../roles/{role}/README.md)", *(" ".join(found) for found in releases_by_claim(role).values())]
        for role in (folder.name for folder in roles())
    ]
    return _table(["Role", *CLAIMS], rows)


def scenario_table() -> str:
    """Return a row a scenario: its releases, its purpose, its phases."""
    rows = [
        [
            f"[{each.name}](../molecule/{each.name}/molecule.yml)",
            each.releases,
            each.purpose,
            " · ".join(map(_short, each.phases)),
        ]
        for each in map(Scenario.read, SCENARIOS)
    ]
    return _table(["Scenario", "Debian", "Purpose", "Phases"], rows)


def with_tables(text: str) -> str:
    """Return the page's text with today's tables between its markers.

    Raises:
        ValueError: A marker is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} lost a marker of its tables: {BEGIN.strip()} ... {END.strip()}")
    return f"{before}{begin}\n{role_table()}\n## The scenarios\n\n{scenario_table()}\n{end}{after}"


def _load(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


def _purpose(text: str) -> str:
    lines = text.removeprefix("---\n").splitlines()
    end = next(at for at, line in enumerate(lines) if not line.startswith("#"))
    return " ".join(line.removeprefix("#").strip() for line in lines[:end])


def _short(phase: str) -> str:
    """Return a phase's action with the last part of its playbook or folder."""
    action, _, argument = phase.partition(" ")
    return f"{action} {argument.rpartition('/')[2]}".strip()


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join("|" + "".join(f" {cell} |" if cell else " |" for cell in line) + "\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
