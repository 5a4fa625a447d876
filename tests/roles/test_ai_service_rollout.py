"""Which instances the role ai_service exchanges, and why it rolls out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.ai_service_rollout import instances_to_restart, restart_reasons

RUNNING = {"release": "/r/a", "settings": "s", "stale_credentials": [], "active": True}


@pytest.mark.parametrize(
    ("differs", "has_new_secrets", "exchanged"),
    [
        ({}, False, []),
        ({}, True, []),
        ({"release": "/r/b"}, False, ["1"]),
        ({"settings": "t"}, False, ["1"]),
        ({"stale_credentials": ["/key"]}, False, ["1"]),
        ({"active": False}, False, []),
        ({"active": False}, True, ["1"]),
    ],
)
def test_only_instances_that_differ_are_exchanged(
    differs: dict[str, Any], *, has_new_secrets: bool, exchanged: list[str]
) -> None:
    """One that is down has read no secret that was written since; one that runs tells itself which are stale."""
    found = {"1": {**RUNNING, **differs}, "2": RUNNING, "3": {**RUNNING, "release": "/r/b"}}
    assert instances_to_restart(found, ["1", "2"], "/r/a", "s", has_new_secrets=has_new_secrets) == exchanged


def test_reasons_name_all_that_differs() -> None:
    """A secret that several instances hold once."""
    stale = {**RUNNING, "stale_credentials": ["/key"]}
    found = {"current": "/r/b", "instances": {"1": stale, "2": stale, "3": RUNNING}}
    assert restart_reasons(found, "/r/a", ["/etc/x.env"], ["1", "2"], ["3"]) == [
        "release a",
        "/etc/x.env",
        "the secret /key",
        "instance 1",
        "instance 2",
        "surplus instance 3",
    ]
    assert restart_reasons({"current": "/r/a", "instances": {"1": RUNNING}}, "/r/a", [], [], []) == []
