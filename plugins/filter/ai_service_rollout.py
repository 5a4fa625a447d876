"""Filters that find what of the AI service is to be rolled out, and why."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence


def instances_to_restart(
    found: Mapping[str, Any],
    names: Sequence[str],
    release: str,
    settings: str,
    other_files: Collection[str],
    *,
    has_new_secrets: bool,
) -> list[str]:
    """Return instances that run another release, other settings, another unit, or secrets that have changed since.

    Where a rollout was cut off, those too that it had drained or stopped and not started, or started and not readied.

    Args:
        found: What the module ai_service_facts returned.
        names: The instances that there are to be.
        release: Folder of the release to run.
        settings: Their text, which names the digest of the unit.
        other_files: Paths of settings and unit, where they differ from those that run.
        has_new_secrets: Whether secrets were written, which an instance that is down has not read.
    """
    states = found["instances"]
    differing = [
        name
        for name in names
        if states[name]["release"] != release
        or states[name]["settings"] != settings
        or states[name]["stale_credentials"]
        or (has_new_secrets and not states[name]["active"])
    ]
    is_rolled_out = found["current"] == release and not other_files and not differing and set(states) <= set(names)
    if is_rolled_out:  # one that is down is started, one that is drained is readied
        return []
    return [name for name in names if name in differing or not states[name]["settled"] or states[name]["drained"]]


def restart_reasons(
    found: Mapping[str, Any],
    release: str,
    other_files: Collection[str],
    exchanged: Sequence[str],
    superfluous: Sequence[str],
) -> list[str]:
    """Return why there is something to roll out, in words.

    Args:
        found: What the module ai_service_facts returned.
        release: Folder of the release to run.
        other_files: Paths of settings and unit, where they differ from those that run.
        exchanged: What `instances_to_restart` returned.
        superfluous: Instances that the host has and that there are not to be.
    """
    stale = {path: None for each in found["instances"].values() for path in each["stale_credentials"]}
    return [
        *([f"release {PurePosixPath(release).name}"] if found["current"] != release else []),
        *other_files,
        *(f"the secret {path}" for path in stale),
        *(f"instance {name}" for name in exchanged),
        *(f"surplus instance {name}" for name in superfluous),
    ]


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {"ai_service_instances_to_restart": instances_to_restart, "ai_service_restart_reasons": restart_reasons}
