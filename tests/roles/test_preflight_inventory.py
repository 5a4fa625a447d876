"""The filter that judges the groups of an inventory."""

from __future__ import annotations

from ansible_collections.alchemorsel.ai.plugins.filter.preflight_inventory import inventory_problems

KNOWN = ["ollama_hosts", "redis_hosts", "ai_service_hosts"]


def test_host_in_a_known_group_is_no_problem() -> None:
    """Groups of the user's own beside ours are fine."""
    groups = {"all": ["a"], "ungrouped": [], "ollama_hosts": ["a"], "rack_12": ["a"]}
    assert inventory_problems(groups, "a", KNOWN) == []


def test_host_that_no_playbook_addresses_is_a_problem() -> None:
    """A host in no known group would silently stay as it is."""
    (problem,) = inventory_problems({"all": ["a"], "ungrouped": ["a"], "redis_hosts": ["b"]}, "a", KNOWN)
    assert "in none of the groups" in problem["problem"]


def test_misspelt_group_is_named_with_the_right_one() -> None:
    """A group one letter off is a slip, not a group of the user's own."""
    groups = {"all": ["a"], "ollama_hosts": ["a"], "redis_host": ["a"]}
    (problem,) = inventory_problems(groups, "a", KNOWN)
    assert problem == {
        "problem": "the group redis_host is not one that the playbooks address",
        "remedy": "did you mean redis_hosts?",
    }


def test_misspelt_group_is_said_on_its_own_hosts_only() -> None:
    """One slip is not reported by every host of the site."""
    groups = {"all": ["a", "b"], "ollama_hosts": ["a"], "redis_host": ["b"]}
    assert inventory_problems(groups, "a", KNOWN) == []
