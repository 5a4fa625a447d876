"""Filters that turn what a host has of Redis and valkey servers into problems with remedies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Problem = dict[str, str]


def redis_problems(survey: Mapping[str, Any]) -> list[Problem]:
    """Return what stands in the way of an installation.

    Args:
        survey: The `survey.redis` that the module preflight_facts returned.
    """
    return []


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {"preflight_redis_problems": redis_problems}
