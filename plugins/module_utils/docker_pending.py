"""Which settings of daemon.json the running Docker Engine has not taken up, and what it takes to take them up.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

STAMP = "var/lib/alchemorsel/docker-engine-settings.json"
"""Remembers, by hashes, what a start of the engine has taken up; below the root of the file system."""
BY_RELOAD = frozenset(
    {
        "authorization-plugins",
        "debug",
        "default-runtime",
        "features.buildkit",
        "insecure-registries",
        "labels",
        "live-restore",
        "max-concurrent-downloads",
        "max-concurrent-uploads",
        "max-download-attempts",
        "registry-mirrors",
        "runtimes",
        "shutdown-timeout",
    }
)
"""Taken up by SIGHUP, where the file has them (dockerd's documentation, "Configuration reload behavior"). Other
features, as `cdi`, are read once."""
BREAKS_LIVE_RESTORE = frozenset(
    {
        "bip",
        "bridge",
        "containerd",
        "containerd-namespace",
        "data-root",
        "exec-root",
        "features.containerd-snapshotter",
        "fixed-cidr",
        "graph",
        "storage-driver",
        "userns-remap",
    }
)
"""With another value of these, containers that run are not found again."""
OURS = "alchemorsel-"
"""What the names of our containers begin with."""
UNIT_IS_NEWER = "(docker.service: what it reads is newer than the engine)"
"""In place of names of settings, for a drop-in or an environment of ours."""
UNKNOWN = "(all: the file is newer than the engine)"
"""In place of names, where nothing tells what the engine read when it started."""


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by name, each of the features by a name of its own."""
    features = config.get("features")
    single = {f"features.{name}": value for name, value in features.items()} if isinstance(features, dict) else {}
    return {**{name: value for name, value in config.items() if name != "features"}, **single}


def hashes(config: Mapping[str, Any]) -> dict[str, str]:
    """Return a hash of each setting: values may be secrets, as a proxy's password."""
    return {
        name: hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
        for name, value in sorted(flat(config).items())
    }


def remember(path: Path, invocation: str, taken_up: Mapping[str, str]) -> None:
    """Write down that a start of the engine has taken up these settings.

    Args:
        path: Where.
        invocation: systemd's id of that start.
        taken_up: Hashes of the settings.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"invocation": invocation, "settings": dict(taken_up)}, indent=2) + "\n")
    draft.replace(path)


def in_force(path: Path, invocation: str, since: float, config: Mapping[str, Any], modified: float) -> dict[str, str]:
    """Return the hashes of what the running engine has taken up.

    Args:
        path: Where `remember` wrote.
        invocation: systemd's id of the engine's start.
        since: When that was, in seconds since 1970.
        config: What daemon.json holds now.
        modified: When that was written; 0 where there is no such file.
    """
    try:
        stamp = json.loads(path.read_text())
        if invocation and stamp["invocation"] == invocation:
            return dict(stamp["settings"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no stamp, or none that can be read: the times decide
    return hashes(config) if modified < since else {UNKNOWN: ""}


def of_the_unit(files: Iterable[str], root: Path, since: float) -> list[str]:
    """Return what stands for our own files of the unit, where one was written after the engine started.

    Files of others wait for the restart that their owner chooses.

    Args:
        files: All that systemd reads for the unit.
        root: Root of the file system.
        since: When the engine started, in seconds since 1970.
    """
    ours = [root / path.lstrip("/") for path in files if "alchemorsel" in path]
    return [UNIT_IS_NEWER] if any(path.exists() and path.stat().st_mtime >= since for path in ours) else []


def pending(taken_up: Mapping[str, str], wanted: Mapping[str, Any]) -> list[str]:
    """Return the names of the settings that differ.

    Args:
        taken_up: What `in_force` returned.
        wanted: What daemon.json is to hold.
    """
    if UNKNOWN in taken_up:
        return [UNKNOWN]
    target = hashes(wanted)
    return sorted(name for name in {*taken_up, *target} if taken_up.get(name) != target.get(name))


def needing_restart(names: Iterable[str], wanted: Mapping[str, Any]) -> list[str]:
    """Return those settings that no reload takes up: that of others, or one that is no longer in the file.

    Args:
        names: What `pending` returned.
        wanted: What daemon.json is to hold.
    """
    there = flat(wanted)
    return [name for name in names if name not in BY_RELOAD or (name not in there and name != "live-restore")]


def stopped_by(restarting: Iterable[str], containers: Iterable[str], *, survive: bool) -> list[str]:
    """Return the containers that a restart for some settings would stop, by name.

    Args:
        restarting: What `needing_restart` returned.
        containers: Names of those that run.
        survive: What `survives` returned.
    """
    for_these = set(restarting)
    if not for_these or (survive and not BREAKS_LIVE_RESTORE & for_these):
        return []
    return sorted(containers)


def survives(wanted: Mapping[str, Any], flags: Mapping[str, Any], *, keeps: bool) -> bool:
    """Return whether containers outlive a restart, with live-restore brought by a reload before it where it is new.

    An engine that starts without live-restore stops what the one before it left running.

    Args:
        wanted: What daemon.json is to hold.
        flags: Settings that the unit's command line makes.
        keeps: Whether a stop of the unit leaves the containers' processes alone.
    """
    return keeps and bool(wanted.get("live-restore", "live-restore" in flags))


def of_others(containers: Iterable[str]) -> list[str]:
    """Return the containers that are not Alchemorsel's."""
    return [name for name in containers if not name.startswith(OURS)]
