"""Filters about the distribution of a host, as roles name it: `Debian 12`, `Ubuntu 24.04`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SUPPORTED = ("Debian 12", "Debian 13", "Ubuntu 22.04", "Ubuntu 24.04")


def platform(facts: Mapping[str, Any]) -> str:
    """Return distribution and release; Debian's version carries its point release (12.11), Ubuntu's is the release.

    Args:
        facts: The host's `ansible_facts`.
    """
    name, version = str(facts["distribution"]), str(facts["distribution_version"])
    return f"{name} {version.partition('.')[0] if name == 'Debian' else version}"


def platform_problems(facts: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the host's distribution, and which ones are supported.

    Args:
        facts: The host's `ansible_facts`.
    """
    found = platform(facts)
    needed = ", ".join(SUPPORTED)
    return [] if found in SUPPORTED else [f"{found} is not supported; one of these is needed: {needed}"]


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {"platform": platform, "platform_problems": platform_problems}
