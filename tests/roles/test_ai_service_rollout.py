"""Which instances the role ai_service exchanges, and why it rolls out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ansible_collections.alchemorsel.ai.plugins.filter.ai_service_rollout import instances_to_restart, restart_reasons

from tests.roles.ansible_module import ROLES
from tests.roles.templates import evaluate, load, role_variables, trusted

if TYPE_CHECKING:
    from collections.abc import Sequence

RUNNING = {
    "release": "/r/a",
    "settings": "s",
    "stale_credentials": [],
    "active": True,
    "settled": True,
    "drained": False,
}
DOWN = {**RUNNING, "active": False, "settled": False}


def restarted(
    *instances: dict[str, Any], current: str = "/r/a", files: Sequence[str] = (), secrets: bool = False
) -> Any:
    """Return which of instances numbered from 1 are exchanged for the release /r/a."""
    states = {str(number): state for number, state in enumerate(instances, start=1)}
    found = {"current": current, "instances": states}
    return instances_to_restart(found, list(states), "/r/a", "s", files, has_new_secrets=secrets)


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
    assert restarted({**RUNNING, **differs}, RUNNING, secrets=has_new_secrets) == exchanged


@pytest.mark.parametrize("left", [DOWN, {**RUNNING, "drained": True}, {**RUNNING, "settled": False}])
@pytest.mark.parametrize(("current", "files"), [("", []), ("/r/b", []), ("/r/a", ["/etc/ai_service.env"])])
def test_instance_that_a_cut_off_rollout_left_is_exchanged(
    left: dict[str, Any], current: str, files: list[str]
) -> None:
    """Its link and settings are new already, but it was not started, enabled or readied."""
    assert restarted(left, RUNNING, current=current, files=files) == ["1"]


def test_instance_that_a_cut_off_rollout_left_is_exchanged_with_those_to_come() -> None:
    """The second one still has its former settings."""
    assert restarted(DOWN, {**RUNNING, "settings": "t"}) == ["1", "2"]


def test_surplus_instance_is_removed_by_the_rollout_that_starts_the_others() -> None:
    """Without reasons one that is down is started only; with one it has to take part."""
    found = {"current": "/r/a", "instances": {"1": DOWN, "2": RUNNING}}
    assert instances_to_restart(found, ["1"], "/r/a", "s", [], has_new_secrets=False) == ["1"]


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


def test_link_and_settings_that_end_a_rollout_come_last() -> None:
    """A play that is killed before them rolls out again, and records the deployment then."""
    (rollout,) = yaml.safe_load((ROLES / "ai_service" / "tasks" / "rollout.yml").read_text())
    names = [task["name"].rpartition("| ")[2] for task in rollout["block"]]
    assert names[-3:] == ["Record the time of the deployment", "Link the current release", "Write the current settings"]


def test_runtime_directories_are_created_where_a_killed_play_left_none() -> None:
    """The file that describes them was written, and is not written again."""
    role = role_variables("ai_service")
    conditions = load(ROLES / "ai_service" / "tasks" / "configure.yml")[1]["when"]
    for exists, is_created in ([], True), (role["__ai_service_runtime_folders"], False):
        known = {
            **role,
            "ansible_check_mode": False,
            "__ai_service_tmpfiles_file": {"path": "/x"},
            "__ai_service_written": {"paths": []},
            "__ai_service_facts": {"exists": exists},
        }
        assert all(evaluate(trusted(f"{{{{ {each} }}}}"), known) for each in conditions) is is_created
