"""Filters that turn what a host has of the package manager into problems with remedies, and into notices."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from ansible_collections.alchemorsel.ai.plugins.module_utils import survey_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Problem = dict[str, str]

DRIVERS = ("nvidia-*", "libnvidia*", "amdgpu*")
"""Packages that the role gpu_driver installs again, or in another version, where they were not completely installed."""


def packages_problems(survey: Mapping[str, Any], wanted: Sequence[str] = ()) -> list[Problem]:
    """Return what stands in the way of an installation.

    Args:
        survey: The `survey.packages` that the module preflight_facts returned.
        wanted: Packages that roles will install on the host.
    """
    held = sorted(name for name, version in survey["held"].items() if name in wanted and not version)
    return survey_packages.problems(survey, DRIVERS) + [
        {
            "problem": f"the package {name} is needed, and apt is told to hold it back",
            "remedy": f"run `apt-mark unhold {name}` on the host",
        }
        for name in held
    ]


def packages_notices(survey: Mapping[str, Any], wait_seconds: int) -> list[str]:
    """Return what is no problem, but explains what the play will do.

    Args:
        survey: The `survey.packages` that the module preflight_facts returned.
        wait_seconds: How long an installation waits for locks.
    """
    drivers = [name for name in survey["unfinished"] if any(fnmatch(name, pattern) for pattern in DRIVERS)]
    return [
        f"the package manager is locked by {survey_packages.holder(lock)}: an installation waits for it, "
        f"at most {wait_seconds} s"
        for lock in survey["locks"]
    ] + ([f"driver packages are not completely installed: {', '.join(drivers)}"] if drivers else [])


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {
            "preflight_packages_problems": packages_problems,
            "preflight_packages_notices": packages_notices,
        }
