"""Filters that choose the packages of Docker's engine, and find what keeps them from being installed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.alchemorsel.ai.plugins.filter.platform import platform, platform_problems
from ansible_collections.alchemorsel.ai.plugins.filter.preflight_engine import ENGINES, engine_problems, stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONTAINERD = ("containerd", "containerd.io", "runc")
DATA = ["/var/lib/docker", "/var/lib/containerd", "/etc/docker"]
"""Folders that are deleted in a purge, where the role was the first to fill them."""
BESIDE = ["apparmor", "ca-certificates", "iptables", "python3-requests"]
"""AppArmor is only recommended by docker.io, but an engine on a kernel with AppArmor starts no container without its
parser. python3-requests is what the modules of community.docker need on the host."""


def packages(facts: Mapping[str, Any], channel: str, version: str) -> dict[str, list[str]]:
    """Return names of packages: all that are needed, as apt takes them, and those that follow the engine's version.

    Args:
        facts: The host's `ansible_facts`.
        channel: `distribution` or `upstream`.
        version: Of the engine, as apt's pattern; empty for any.
    """
    # Debian 13 ships the client apart.
    distribution = [ENGINES["distribution"], *(["docker-cli"] if platform(facts) == "Debian 13" else [])]
    upstream = [ENGINES["upstream"], "docker-ce-cli", "containerd.io"]
    chosen = upstream if channel == "upstream" else distribution
    needed = [*chosen, *BESIDE]
    pinned = [name for name in chosen if name != "containerd.io"]  # which counts on its own
    return {
        "engine": distribution + upstream,
        "needed": needed,
        "pinned": pinned,
        "wanted": [name for name in needed if name not in pinned]
        + [f"{name}={version}" if version else name for name in pinned],
    }


def settled(chosen: Mapping[str, list[str]], found: Mapping[str, Any], version: str) -> dict[str, bool]:
    """Return whether the packages are installed, in a version that fits, and held where a version is set, only there.

    A hold that somebody else has set stays, and is as good as the role's own.

    Args:
        chosen: What `packages` returned.
        found: What the module docker_facts returned.
        version: Of the engine, as apt's pattern; empty for any.
    """
    installed, held = found["installed"], found["held"]
    own_holds = found["survey"]["brought"]["held"]
    present = [name for name in chosen["pinned"] if name in installed]
    return {
        "installed": all(name in installed for name in chosen["needed"])
        and all(_fits(installed[name], version) for name in chosen["pinned"]),
        "held": all(name in held for name in present)
        if version
        else not any(name in held and name in own_holds for name in present),
    }


def record(
    chosen: Mapping[str, list[str]], found: Mapping[str, Any], version: str, *, removed: bool = False
) -> dict[str, list[str]]:
    """Return what is to be remembered of what the role brought: packages, holds, and folders that it was first to fill.

    Args:
        chosen: What `packages` returned.
        found: What the module docker_facts returned, before an installation or removal.
        version: Of the engine, as apt's pattern; empty for any.
        removed: The engine's packages are going to be removed.
    """
    installed, former = found["installed"], found["survey"]["brought"]
    present = {**installed, **found["survey"]["packages"]}
    brought = [name for name in former["packages"] if not (removed and name in chosen["engine"])]
    data = list(former["data"])
    if not removed:
        engine = [name for name in chosen["needed"] if name not in BESIDE]
        beside = ["containerd", "runc"] if ENGINES["distribution"] in engine else []
        brought += [name for name in [*engine, *beside] if name not in present and name not in brought]
        if not any(name in present for name in ENGINES.values()):
            data += [path for path in DATA if path not in found["data"] and path not in data]
    kept = [name for name in former["held"] if name in found["held"]]
    new = [name for name in chosen["pinned"] if version and name not in found["held"]]
    return {"packages": brought, "held": [] if removed else kept + new, "data": data}


def removal(chosen: Mapping[str, list[str]], found: Mapping[str, Any], *, purges: bool) -> dict[str, list[str]]:
    """Return what a removal may take: packages that the role brought and, in a purge, data of its engine.

    Args:
        chosen: What `packages` returned.
        found: What the module docker_facts returned.
        purges: The data go too.
    """
    brought, survey = found["survey"]["brought"], found["survey"]
    installed = {**found["installed"], **survey["packages"]}
    candidates = [name for name in brought["packages"] if name in installed]
    if survey["units"]["kubelet.service"]["active"] == "active":  # it came later, and runs on containerd
        candidates = [name for name in candidates if name not in CONTAINERD]
    taken = [name for name in candidates if purges or name in chosen["engine"]]
    stays = [name for name in installed if name in ENGINES.values() and name not in taken]
    shared = any(name in installed and name not in taken for name in CONTAINERD)
    data = [path for path in brought["data"] if not (shared and path == "/var/lib/containerd")]
    return {"packages": taken, "stays": stays, "data": data if purges and not stays else []}


def problems(
    facts: Mapping[str, Any],
    found: Mapping[str, Any],
    channel: str,
    upstream_url: str,
    upstream_key: str,
    *,
    own_sources: str,
    version: str = "",
    options: Mapping[str, Any] | None = None,
    stops_containers: bool = False,
) -> list[str]:
    """Return all that is wrong with variables and host, each with what would be right.

    Args:
        facts: The host's `ansible_facts`.
        found: What the module docker_facts returned.
        channel: `distribution` or `upstream`.
        upstream_url: The upstream repository.
        upstream_key: Its public key.
        own_sources: The role's own file of sources.
        version: Of the engine, as apt's pattern; empty for any.
        options: Settings of daemon.json that the inventory makes.
        stops_containers: A restart may stop containers of others.
    """
    of_others = [path for path in found["source_files"] if path != own_sources]
    refused: list[str] = platform_problems(facts)
    is_missing = channel == "upstream" and ENGINES[channel] not in found["installed"]
    if is_missing and not upstream_url:
        refused.append("docker_channel is upstream, so docker_upstream_url has to name the apt repository")
    if (is_missing or upstream_url) and channel == "upstream" and "BEGIN PGP PUBLIC KEY BLOCK" not in upstream_key:
        refused.append(
            "docker_channel is upstream, so docker_upstream_key has to hold the text of its public key "
            "(-----BEGIN PGP PUBLIC KEY BLOCK-----)"
        )
    if channel == "upstream" and bool(of_others):
        refused.append(
            f"{', '.join(of_others)} is there already and names the same repository, and apt refuses two entries with "
            "different keys: move it away"
        )
    if version:
        refused += _version_problems(found, channel, version, stops_containers=stops_containers)
    return refused + engine_refusals(found, channel, options or {}, stops_containers=stops_containers)


def engine_refusals(
    found: Mapping[str, Any], channel: str, options: Mapping[str, Any], *, stops_containers: bool
) -> list[str]:
    """Return what of the host's past keeps its engine from being installed, set up or restarted.

    Args:
        found: What the module docker_facts returned.
        channel: `distribution` or `upstream`.
        options: Settings of daemon.json that are to be merged.
        stops_containers: A restart may stop containers of others.
    """
    # Which settings are new is known here, so that the containers of a restart are told from it alone.
    refused = list(engine_problems(found["survey"], channel, options, allowed=True))
    if found["stopped_containers"] and not stops_containers:
        is_member = found["survey"]["engine"]["swarm"] != "inactive"
        refused += [
            {"problem": f"{problem}, and is needed for {', '.join(found['needing_restart'])}", "remedy": remedy}
            for problem, remedy in stopped(found["stopped_containers"], is_swarm_member=is_member)
        ]
    return [f"{one['problem']}: {one['remedy']}" for one in refused]


def _version_problems(found: Mapping[str, Any], channel: str, version: str, *, stops_containers: bool) -> list[str]:
    """Return why the engine's packages cannot be brought to a version."""
    name = ENGINES[channel]
    there = found["installed"].get(name, "")
    if not there or _fits(there, version):
        return []
    if name in found["held"] and name not in found["survey"]["brought"]["held"]:
        return [
            (
                f"{name} {there} is held (apt-mark showhold), and docker_version is {version}: release it with "
                f"apt-mark unhold {name}, or remove docker_version"
            )
        ]
    engine = found["survey"]["engine"]
    running = [container["name"] for container in engine["containers"]]
    others = [name for name in running if not name.startswith("alchemorsel-")]
    if others and not engine["live_restore"] and not stops_containers:
        return [
            (
                f"docker_version {version} restarts the engine, which would stop these containers: {', '.join(others)} "
                "(live-restore is not in force): run the role once without docker_version, which brings live-restore, "
                "or set docker_stop_containers: true"
            )
        ]
    return []


def _fits(version: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern or "*").replace(r"\*", ".*"), version) is not None


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {
            "docker_engine_refusals": engine_refusals,
            "docker_is_converged": settled,
            "docker_packages": packages,
            "docker_problems": problems,
            "docker_record": record,
            "docker_removal": removal,
        }
