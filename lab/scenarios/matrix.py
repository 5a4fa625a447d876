"""Which scenario runs on which Debian releases; the only place that says so."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.images import SUITES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

SCENARIOS: Mapping[str, Collection[str]] = {
    "preflight": SUITES,
    "model_volume": SUITES,
    "docker": SUITES,
    # An engine of others with a container; engines that ours would displace or break.
    "past-containers": SUITES,
    "past-engine-refused": SUITES,
    "firewall": SUITES,
    "past-firewall": SUITES,
    "redis": SUITES,
    "past-redis": SUITES,
    "ollama": SUITES,
    "ai_service": SUITES,
    "web": SUITES,
    "load_balancer": SUITES,
    "past-packages": SUITES,
    "past-refused": SUITES,
    # A host and the proxy that is its only way out.
    "past-proxy": SUITES,
    "monitoring": SUITES,
    "backup": SUITES,
    "site-dev": SUITES,
    "site-life": SUITES,
    # From a former revision, by its own playbook.
    "site-upgrade": SUITES,
    "airgap": SUITES,
    # Three hosts of the release that production runs.
    "site-prod": ("trixie",),
    # Servers that fail over, and hosts that are lost, on four hosts.
    "fleet": ("trixie",),
    # A Swarm and its stack: images taken back, nodes lost, on three hosts.
    "swarm": ("trixie",),
    # Debian 12 packages no Compose 2, and its Docker Engine knows no CDI.
    "compose": ("trixie",),
    "gpu": ("trixie",),
    "gpu-dkms": SUITES,
    "collection": SUITES,
    # The newer releases of ansible-core need a newer Python than Debian 12's.
    "control-node": ("trixie",),
    # One host that is bare, and one from which it is provisioned.
    "own-host": SUITES,
}
"""Folders of `molecule/`, in the order of a whole run: the quick ones and what others stand on first."""


@dataclass(frozen=True)
class Job:
    """One scenario on one Debian release."""

    scenario: str
    suite: str

    def __str__(self) -> str:
        return f"{self.scenario}:{self.suite}"


def select(scenarios: Sequence[str] = (), suites: Sequence[str] = ()) -> list[Job]:
    """Return the jobs of these scenarios on these releases, ordered by release; by default all declared ones.

    Raises:
        LabError: a name that there is not, with the nearest one, or nothing is left to run.
    """
    for name in scenarios:
        _known(name, SCENARIOS, "scenario")
    for suite in suites:
        _known(suite, SUITES, "release")
    wanted = scenarios or list(SCENARIOS)
    jobs = [
        Job(name, suite)
        for suite in suites or SUITES
        for name in SCENARIOS
        if name in wanted and suite in SCENARIOS[name]
    ]
    if not jobs:
        declared = "; ".join(f"{name} runs on {' and '.join(SCENARIOS[name])}" for name in wanted)
        raise LabError(f"nothing to run on {' or '.join(suites)}: {declared}")
    return jobs


def parse(text: str) -> Job:
    """Return the job named by `SCENARIO[:RELEASE]`; the default is the scenario's first release.

    Raises:
        LabError: there is no such scenario or release, or the scenario does not run on it.
    """
    scenario, _, suite = text.partition(":")
    return select([scenario], [suite] if suite else [])[0]


def _known(name: str, names: Collection[str], kind: str) -> None:
    if name in names:
        return
    nearest = get_close_matches(name, names, n=1)
    remedy = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(names)}"
    raise LabError(f"{name!r}: no such {kind}; {remedy}")
