"""Filters that choose the packages of Docker's engine, and find what keeps them from being installed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.alchemorsel.ai.plugins.filter.platform import platform, platform_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENGINES = {"distribution": "docker.io", "upstream": "docker-ce"}
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

    Args:
        chosen: What `packages` returned.
        found: What the module docker_facts returned.
        version: Of the engine, as apt's pattern; empty for any.
    """
    installed, held = found["installed"], found["held"]
    fits = re.compile(re.escape(version or "*").replace(r"\*", ".*"))
    return {
        "installed": all(name in installed for name in chosen["needed"])
        and all(fits.fullmatch(installed[name]) for name in chosen["pinned"]),
        "held": all((name in held) == (version != "") for name in chosen["pinned"] if name in installed),
    }


def problems(
    facts: Mapping[str, Any],
    found: Mapping[str, Any],
    channel: str,
    upstream_url: str,
    upstream_key: str,
    *,
    own_sources: str,
) -> list[str]:
    """Return all that is wrong with variables and host, each with what would be right.

    Args:
        facts: The host's `ansible_facts`.
        found: What the module docker_facts returned.
        channel: `distribution` or `upstream`.
        upstream_url: The upstream repository.
        upstream_key: Its public key.
        own_sources: The role's own file of sources.
    """
    other = "distribution" if channel == "upstream" else "upstream"
    of_others = [path for path in found["source_files"] if path != own_sources]
    refused: list[str] = platform_problems(facts)
    if channel == "upstream" and not upstream_url:
        refused.append("docker_channel is upstream, so docker_upstream_url has to name the apt repository")
    if channel == "upstream" and "BEGIN PGP PUBLIC KEY BLOCK" not in upstream_key:
        refused.append(
            "docker_channel is upstream, so docker_upstream_key has to hold the text of its public key "
            "(-----BEGIN PGP PUBLIC KEY BLOCK-----)"
        )
    if channel == "upstream" and bool(of_others):
        refused.append(
            f"{', '.join(of_others)} is there already and names the same repository, and apt refuses two entries with "
            "different keys: move it away"
        )
    if ENGINES[other] in found["installed"]:
        refused.append(
            f"{ENGINES[other]} is installed, from the channel {other}. To change over, run the role once with "
            f"docker_state=absent and docker_channel={other} (images, volumes and containers stay), then again as it "
            f"is now. To stay, set docker_channel: {other}"
        )
    return refused


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {"docker_packages": packages, "docker_is_converged": settled, "docker_problems": problems}
