"""What an installation or removal of packages would do to a host, read from apt-get's own simulation.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.alchemorsel.ai.plugins.module_utils.package_manager import (
    UNKNOWN,
    Changes,
    explain,
    held_back,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Run = Callable[[list[str]], tuple[int, str, str]]

INSTALLED = re.compile(r"^Inst (\S+)(?: \[([^\]]+)\])? \((\S+)", re.MULTILINE)
REMOVED = re.compile(r"^(?:Remv|Purg) (\S+)(?: \[([^\]]+)\])?", re.MULTILINE)
HELD = "The following held packages will be changed:"
UNIT = re.compile(r"^\S*/systemd/system/([^/\s@]+\.(?:service|socket))$", re.MULTILINE)


@dataclass(frozen=True)
class Simulation:
    """What apt-get would do.

    Attributes:
        error: What apt-get says in place of a plan; empty where it has one.
        is_unknown: The error is that apt's lists do not know a package, as where they are old or empty.
        new: Versions of packages that it would install.
        upgraded: Packages that it would bring to another version: the one there is, the one to come.
        removed: Versions of packages that it would remove.
        downgraded: Of those upgraded, the ones that get an older version.
        unheld: Held packages that it would change.
    """

    error: str = ""
    is_unknown: bool = False
    new: Mapping[str, str] = field(default_factory=dict)
    upgraded: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    removed: Mapping[str, str] = field(default_factory=dict)
    downgraded: Sequence[str] = ()
    unheld: Sequence[str] = ()

    @property
    def refusal(self) -> str:
        """Why apt-get would not follow the plan when nobody is there to be asked; empty where it would."""
        return held_back(self.unheld) if self.unheld else self.error

    @property
    def changes(self) -> Changes:
        """Return the versions before and after."""
        before = {name: former for name, (former, _version) in self.upgraded.items()}
        after = {name: version for name, (_former, version) in self.upgraded.items()}
        return Changes({**before, **self.removed}, {**after, **self.new})


def simulate(run: Run, names: Sequence[str], command: str = "install", flags: Sequence[str] = ()) -> Simulation:
    """Return what apt-get would do with packages; nothing is changed, and no lock is waited for.

    Args:
        run: Runs a command within a deadline, under LC_ALL=C; returns exit status, output and errors.
        names: As apt takes them, with `=version` where one is wanted.
        command: `install`, `remove` or `purge`.
        flags: Further options of apt-get.
    """
    # Without -y apt-get asks nothing in a simulation; with it, it would refuse held packages before it lists them.
    code, output, errors = run(["apt-get", "--simulate", "--no-install-recommends", *flags, command, *names])
    if code != 0:
        return Simulation(error=explain(output, errors) or output.strip(), is_unknown=bool(UNKNOWN.search(errors)))
    found = INSTALLED.findall(output)
    return Simulation(
        new={_bare(name): version for name, former, version in found if not former},
        upgraded={_bare(name): (former, version) for name, former, version in found if former},
        removed={_bare(name): version for name, version in REMOVED.findall(output)},
        downgraded=_section(output, "The following packages will be DOWNGRADED:"),
        unheld=[] if "--allow-change-held-packages" in flags else _section(output, HELD),
    )


def problems(run: Run, plan: Simulation, names: Iterable[str], guarded: Iterable[str]) -> list[str]:
    """Return what of a plan is refused, each with the way out.

    Args:
        run: As for `simulate`.
        plan: What `simulate` returned.
        names: The packages that were asked for.
        guarded: Packages of others whose version stays.
    """
    asked = {name.partition("=")[0] for name in names}
    refused = []
    if foreign := [name for name in plan.removed if name not in asked]:
        refused.append(
            f"apt would remove {', '.join(_with_users(run, name) for name in foreign)} to make room for "
            f"{', '.join(sorted(asked))}: remove {_them(foreign)} yourself where nothing needs {_them(foreign)} "
            f"(apt-get remove {' '.join(foreign)}), or use another host"
        )
    if older := [name for name in plan.downgraded if name not in asked]:
        refused.append(
            f"apt would downgrade {', '.join(older)}: install the version that {', '.join(sorted(asked))} needs "
            "yourself, or make it available in apt's sources"
        )
    if held := [name for name in plan.unheld if name not in asked]:
        refused.append(
            f"{', '.join(held)} is held (apt-mark showhold), and would be changed: release it with apt-mark unhold "
            f"{' '.join(held)}, if it may change"
        )
    if taken := sorted(set(guarded) & set(plan.upgraded) - set(older) - set(held)):
        versions = ", ".join(f"{name} from {plan.upgraded[name][0]} to {plan.upgraded[name][1]}" for name in taken)
        refused.append(
            f"apt would upgrade {versions}, which others use: upgrade yourself at a time that suits them (apt-get "
            f"install {' '.join(taken)})"
        )
    return refused


def _them(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _bare(name: str) -> str:
    return name.partition(":")[0]


def _section(output: str, title: str) -> list[str]:
    """Return the names under one of the headings that apt-get prints before its plan."""
    _before, found, rest = output.partition(title)
    names: list[str] = []
    for line in rest.splitlines()[1:] if found else []:
        if not line.startswith(" "):
            break
        names += [_bare(name) for name in line.split()]
    return names


def _with_users(run: Run, name: str) -> str:
    """Return the name of a package with who needs it: units of it that run, and packages that depend on it."""
    files = run(["dpkg-query", "--listfiles", name])[1]
    units = sorted(set(UNIT.findall(files)))
    active = [unit for unit in units if run(["systemctl", "is-active", "--quiet", unit])[0] == 0]
    listing = run(["apt-cache", "rdepends", "--installed", "--no-suggests", name])[1]
    needing = sorted({line.strip(" |") for line in listing.splitlines()[2:]} - {name, ""})
    by_hand = name in run(["apt-mark", "showmanual", name])[1].split()
    notes = [
        *([f"{' and '.join(active)} {'runs' if len(active) == 1 else 'run'}"] if active else []),
        *([f"needed by {', '.join(needing)}"] if needing else []),
        *(["installed by hand"] if by_hand and not active and not needing else []),
    ]
    return f"{name} ({'; '.join(notes)})" if notes else name
