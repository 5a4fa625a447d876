"""What a deployment would change of a stack that runs, and what became of an update."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.stack_services import (
    MARK,
    changes,
    incomplete,
    is_settled,
    marked,
    refusals,
    service,
    unequal,
    versions_in_use,
)

IMAGE = "registry.example/ai@sha256:" + "a" * 64


def stack(**service_settings: Any) -> dict[str, Any]:
    """Return a stack of one service."""
    ai = {
        "image": IMAGE,
        "environment": {"ALCHEMORSEL_PORT": 3010},
        "secrets": [{"source": "api_keys", "target": "/run/secrets/api_keys"}],
        "deploy": {"replicas": 2, "endpoint_mode": "dnsrr"},
        **service_settings,
    }
    return marked({"services": {"ai": ai}, "secrets": {"api_keys": {"external": True, "name": "s_api_keys_v1"}}})


def live(**spec: Any) -> dict[str, Any]:
    """Return the service that this stack becomes, as Docker shows it."""
    container = {
        "Image": spec.get("image", IMAGE),
        "Env": spec.get("env", ["ALCHEMORSEL_PORT=3010"]),
        "Secrets": [{"SecretName": spec.get("secret", "s_api_keys_v1")}],
    }
    return {
        "ID": "1",
        "Spec": {
            "Name": "s_ai",
            "Labels": {MARK: spec.get("mark", stack()["services"]["ai"]["deploy"]["labels"][MARK])},
            "Mode": {"Replicated": {"Replicas": spec.get("replicas", 2)}},
            "TaskTemplate": {"ContainerSpec": container},
        },
        **spec.get("record", {}),
    }


def test_a_stack_that_runs_changes_nothing() -> None:
    """So the role deploys nothing."""
    assert changes(stack(), [live()], "s") == []


@pytest.mark.parametrize(
    ("running", "line"),
    [
        (live(image="old@sha256:1"), f"ai: image old@sha256:1 -> {IMAGE}"),
        (live(replicas=4), "ai: replicas 4 -> 2"),
        (live(env=[]), "ai: ALCHEMORSEL_PORT unset -> 3010"),
        (live(env=["ALCHEMORSEL_PORT=3010", "A=b=c"]), "ai: A b=c -> unset"),
        (live(secret="s_api_keys_v7"), "ai: secrets s_api_keys_v7 -> s_api_keys_v1"),
        (live(mark="other"), "ai: settings"),
    ],
)
def test_each_difference_is_a_line(running: dict[str, Any], line: str) -> None:
    """Also what somebody has changed by hand since."""
    assert changes(stack(), [running], "s") == [line]


def test_settings_that_are_not_compared_one_by_one_are_noticed() -> None:
    """By the fingerprint of what the service was made from; the number of replicas is no part of it."""
    assert changes(stack(read_only=True), [live()], "s") == ["ai: settings"]
    assert changes(stack(deploy={"replicas": 3, "endpoint_mode": "dnsrr"}), [live()], "s") == ["ai: replicas 2 -> 3"]


def test_services_are_created_and_removed() -> None:
    """Removed where the deployment prunes."""
    other = live()
    other["Spec"]["Name"] = "s_old"
    assert changes(stack(), [other], "s") == [f"ai: create, from {IMAGE}"]
    assert changes(stack(), [live(), other], "s", prunes=True) == ["old: remove"]


@pytest.mark.parametrize(
    ("state", "expected"), [("updating", False), ("rollback_started", False), ("completed", True), ("paused", True)]
)
def test_an_update_that_goes_on_is_waited_for(state: str, expected: bool) -> None:
    """A service that was never updated has no status."""
    assert is_settled([live(record={"UpdateStatus": {"State": state}}), live()]) is expected


def test_an_update_that_has_not_begun_is_waited_for() -> None:
    """The status of the one before it says that it is complete, but the tasks are the former ones."""
    updated = live(record={"UpdateStatus": {"State": "completed"}})
    task = {
        "ID": "2",
        "ServiceID": "1",
        "Spec": {"ContainerSpec": live(image="old")["Spec"]["TaskTemplate"]["ContainerSpec"]},
    }
    assert not is_settled([updated, task])
    assert is_settled([updated, {**task, "Spec": updated["Spec"]["TaskTemplate"]}])


def test_an_update_that_docker_took_back_is_a_refusal() -> None:
    """One of an earlier deployment is not."""
    status = {"State": "rollback_completed", "StartedAt": "2", "Message": "update rolled back due to failure"}
    now = [live(record={"UpdateStatus": status})]
    before = [live(record={"UpdateStatus": {"State": "completed", "StartedAt": "1"}})]
    assert refusals(now, before) == ["s_ai: rollback completed: update rolled back due to failure"]
    assert refusals(now, now) == []
    assert refusals(before, [live()]) == []


def test_versions_of_the_former_specification_stay() -> None:
    """A rollback needs them."""
    previous = live(secret="s_api_keys_v1")["Spec"]
    assert versions_in_use([live(secret="s_api_keys_v2", record={"PreviousSpec": previous})]) == [
        "s_api_keys_v1",
        "s_api_keys_v2",
    ]


def test_services_that_lack_tasks_are_named() -> None:
    """Not those with more, as while those of a lost node count; a limit by node follows the numbers."""
    assert incomplete(["s_ai 1/2", "s_edge 3/2", "s_ollama 10/9", "s_web 2/2 (max 1 per node)"]) == ["s_ai 1/2"]


def test_unequal_digests_of_a_model_are_named_with_their_nodes() -> None:
    """Of models that all nodes have alike nothing is said."""
    digests = {"a": {"m": "1" * 64, "n": "3" * 64}, "b": {"m": "2" * 64, "n": "3" * 64}, "c": {"m": "1" * 64}}
    assert unequal(digests) == ["m has different digests: 111111111111 on a and c, 222222222222 on b"]


def test_a_models_service_has_a_name_for_dns() -> None:
    """Without dots and colons."""
    assert service("llama3.2:3b") == "ollama-llama3-2-3b"
