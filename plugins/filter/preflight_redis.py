"""Filters that turn what a host has of Redis and valkey servers into problems with remedies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Problem = dict[str, str]
OWN_UNIT = "redis-server@alchemorsel.service"


def redis_problems(survey: Mapping[str, Any], *, is_needed: bool = True) -> list[Problem]:
    """Return what stands in the way of an installation.

    Another server does not: the role's own is an instance beside it, on a port of its own.

    Args:
        survey: The `survey.redis` that the module preflight_facts returned.
        is_needed: Whether the host gets a server.
    """
    if not is_needed or not survey.get("foreign"):
        return []
    files = " and ".join(survey["foreign"])
    return [
        {
            "problem": f"{files}: this name is the role's own unit's, {OWN_UNIT}, but it is somebody else's",
            "remedy": "give that server another name, or take this host out of redis_hosts and use its server "
            "(ai_service_redis_url, docs/operations.md)",
        }
    ]


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {"preflight_redis_problems": redis_problems}
