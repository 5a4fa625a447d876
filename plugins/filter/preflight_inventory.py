"""Filter that finds mistakes in the groups of an inventory."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ALWAYS_THERE = {"all", "ungrouped"}


def inventory_problems(
    groups: Mapping[str, Sequence[str]], host: str, known_groups: Sequence[str]
) -> list[dict[str, str]]:
    """Say what is wrong with the groups as one host sees them.

    Args:
        groups: Ansible's `groups`: host names by group name.
        host: The host's name in the inventory.
        known_groups: Groups that the playbooks address.
    """
    problems = []
    if not any(host in groups.get(name, ()) for name in known_groups):
        problems.append(
            {
                "problem": f"{host} is in none of the groups that the playbooks address",
                "remedy": f"put it into one or more of: {', '.join(known_groups)}",
            }
        )
    for name in sorted(set(groups) - set(known_groups) - ALWAYS_THERE):
        if host not in groups[name]:
            continue
        problems += [
            {
                "problem": f"the group {name} is not one that the playbooks address",
                "remedy": f"did you mean {right}?",
            }
            for right in get_close_matches(name, known_groups, n=1, cutoff=0.85)
        ]
    return problems


class FilterModule:
    """Ansible's entry point to the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by the name that templates use."""
        return {"preflight_inventory_problems": inventory_problems}
