"""Filters that turn what was measured on a host into problems with remedies."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

GIB = 1024**3
Problem = dict[str, str]


def platform_problems(
    facts: Mapping[str, Any],
    distributions: Mapping[str, Sequence[str]],
    architectures: Sequence[str],
) -> list[Problem]:
    """Say what about the operating system or the processor does not fit.

    Args:
        facts: The host's `ansible_facts`.
        distributions: Supported releases by distribution, `{"Debian": ["12", "13"]}`.
        architectures: Supported machine names, as `uname -m` prints them.
    """
    problems = []
    name, version = str(facts["distribution"]), str(facts["distribution_version"])
    releases = [str(release) for release in distributions.get(name, [])]
    # Debian reports its point release (12.11), Ubuntu none; both count by the release's own name.
    if not any(version == release or version.startswith(f"{release}.") for release in releases):
        supported = "; ".join(f"{key} {', '.join(map(str, values))}" for key, values in distributions.items())
        problems.append(_problem(f"{name} {version} is not supported", f"install one of: {supported}"))
    if facts["architecture"] not in architectures:
        problems.append(
            _problem(
                f"the processor architecture {facts['architecture']} is not supported",
                f"use a machine with one of: {', '.join(architectures)}",
            )
        )
    return problems


def capacity_problems(capacity: Mapping[str, int], min_memory_mb: int) -> list[Problem]:
    """Say whether the memory is too little.

    Args:
        capacity: The `capacity` that the module preflight_facts returned.
        min_memory_mb: Least memory in MiB.
    """
    if capacity["memory_mb"] >= min_memory_mb:
        return []
    return [
        _problem(
            f"{capacity['memory_mb']} MiB of memory, {min_memory_mb} needed",
            "give the machine more memory, or lower preflight_min_memory_mb if you know that it is enough",
        )
    ]


def disk_problems(
    spaces: Sequence[Mapping[str, Any]],
    disks: Sequence[Mapping[str, Any]],
    listeners: Sequence[Mapping[str, Any]] = (),
    ports: Sequence[Mapping[str, Any]] = (),
) -> list[Problem]:
    """Say which paths have too little room, alone or together with others on the same file system.

    What a path already holds counts as room: a host that has its models does not need the space for them again.

    Args:
        spaces: The `spaces` that the module preflight_facts returned.
        disks: What is needed, `{"path": ..., "min_free_gb": GiB, "until_port": port}`; once a service of ours listens
            on that port, the space is not needed any more.
        listeners: The `listeners` that the module preflight_facts returned.
        ports: As for :func:`port_problems`: tells who ours are.
    """
    measured = {space["path"]: space for space in spaces}
    served = served_ports(listeners, ports)
    problems: list[Problem] = []
    told: set[str] = set()
    needs: dict[str, dict[str, float]] = {}
    for disk in disks:
        if int(disk.get("until_port", 0)) in served:
            continue
        space = measured[disk["path"]]
        if not space["is_directory"]:
            problems.append(
                _problem(
                    f"{space['existing_parent']} is not a directory, so {disk['path']} cannot be made",
                    "move the file away or choose another path",
                )
            )
            continue
        need = max(0.0, float(disk["min_free_gb"]) - space["used_bytes"] / GIB)
        if need * GIB > space["free_bytes"]:
            room = (space["free_bytes"] + space["used_bytes"]) / GIB
            problems.append(
                _problem(
                    f"{disk['path']} has room for {room:.1f} GiB on the file system mounted at "
                    f"{space['mount_point']}, {disk['min_free_gb']} GiB needed",
                    "free space there, or choose a path on a larger file system",
                )
            )
            told.add(space["mount_point"])
        else:
            needs.setdefault(space["mount_point"], {})[disk["path"]] = need
    free = {space["mount_point"]: space["free_bytes"] / GIB for space in spaces}
    return problems + [
        _problem(
            f"{' and '.join(paths)} need {sum(paths.values()):.1f} GiB together on the file system mounted at {mount}, "
            f"which has {free[mount]:.1f} GiB",
            "free space there, or choose a path on a larger file system",
        )
        for mount, paths in needs.items()
        if mount not in told and sum(paths.values()) > free[mount]
    ]


def served_ports(listeners: Sequence[Mapping[str, Any]], ports: Sequence[Mapping[str, Any]]) -> set[int]:
    """Return the ports on which services of ours listen."""
    ours = {int(port["port"]): port["owners"] for port in ports}
    return {
        listener["port"]
        for listener in listeners
        if any(fnmatch(listener["owner"], pattern) for pattern in ours.get(listener["port"], ()))
    }


def port_problems(listeners: Sequence[Mapping[str, Any]], ports: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Say which ports are taken by somebody else.

    Args:
        listeners: The `listeners` that the module preflight_facts returned.
        ports: What is needed, `{"port": ..., "owners": [pattern, ...], "setting": variable}`; a listener whose owner
            matches one of the patterns (shell wildcards) is ours.
    """
    problems = []
    for wanted in ports:
        strangers = sorted(
            {
                (listener["owner"] or "an unknown process", listener["address"])
                for listener in listeners
                if listener["port"] == int(wanted["port"])
                and not any(fnmatch(listener["owner"], pattern) for pattern in wanted["owners"])
            }
        )
        if strangers:
            holders = ", ".join(f"{owner} on {address}" for owner, address in strangers)
            problems.append(
                _problem(
                    f"port {wanted['port']} is taken by {holders}",
                    f"stop it, or set {wanted['setting']} to a free port",
                )
            )
    return problems


def _problem(problem: str, remedy: str) -> Problem:
    return {"problem": problem, "remedy": remedy}


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {
            "preflight_platform_problems": platform_problems,
            "preflight_capacity_problems": capacity_problems,
            "preflight_disk_problems": disk_problems,
            "preflight_port_problems": port_problems,
        }
