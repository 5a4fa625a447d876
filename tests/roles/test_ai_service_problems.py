"""What the role ai_service refuses before it changes anything, and how it says why a release was not built."""

from __future__ import annotations

from typing import Any

import pytest

from tests.roles.ansible_module import ROLES
from tests.roles.templates import evaluate, load, role_variables

FOUND = {
    "whole": ["0.2.0-b", "0.1.0-a"],
    "half_made": ["0.2.0-half"],
    "deployed": ["0.2.0-b", "0.1.0-a"],
    "without_edge": [],
    "current": "/opt/alchemorsel/ai_service/releases/0.2.0-b",
    "python_version": "3.11.2",
}
DESCRIBED = {"version": "0.3.0", "digest": "d", "requires_python": ">=3.11", "fits_python": True}


def problems(
    *, found: dict[str, Any] | None = None, described: dict[str, Any] | None = None, **chosen: Any
) -> list[str]:
    """Return what the role says on a host with two releases and an incomplete one.

    Args:
        found: What the host has otherwise.
        described: What the wheel is otherwise; nothing where a release of the host is named, as it is not built then.
        chosen: Variables of the host.
    """
    wheel = {"skipped": True} if chosen.get("ai_service_release") else {**DESCRIBED, **(described or {})}
    variables = {
        **role_variables("ai_service"),
        "role_path": str(ROLES / "ai_service"),
        "__ai_service_facts": {**FOUND, **(found or {})},
        "__ai_service_described": wheel,
        **chosen,
    }
    told: list[str] = evaluate(variables["__ai_service_problems"], variables)
    return told


def reason(stderr: str, **chosen: Any) -> str:
    """Return what the role says when pip failed with these last words."""
    (task,) = [task for task in load(ROLES / "ai_service" / "tasks" / "build.yml")[0]["rescue"] if "vars" in task]
    variables = {
        **role_variables("ai_service"),
        **task["vars"],
        "__ai_service_facts": FOUND,
        "ansible_failed_task": {"name": "Install"},
        "ansible_failed_result": {"stderr": stderr, "msg": "non-zero return code"},
        **chosen,
    }
    told: str = evaluate(task["ansible.builtin.fail"]["msg"], variables)
    return told.strip()


@pytest.mark.parametrize("release", ["", "previous", "0.1.0-a", "0.2.0-b"])
def test_new_and_complete_releases_are_no_problem(release: str) -> None:
    """Neither is one that was made from sources, which looks the same."""
    assert problems(ai_service_release=release) == []


def test_python_that_the_wheel_does_not_support_is_refused() -> None:
    """By the wheel's own word, so that it is said in one place."""
    wheel = {"fits_python": False, "requires_python": ">=3.12"}
    (told,) = problems(described=wheel)
    assert told == "python3 is 3.11.2, but the service requires Python >=3.12: name one in ai_service_python"
    (told,) = problems(described=wheel, found={"python_version": ""}, ai_service_python="python3.12")
    assert told.startswith("python3.12 is not there, but the service requires Python >=3.12")


def test_incomplete_release_is_refused_as_such() -> None:
    """It is said once, with what to do."""
    (told,) = problems(ai_service_release="0.2.0-half")
    assert told.startswith("the release 0.2.0-half is incomplete, as a run that was cut off leaves it")


def test_unknown_release_is_refused_with_those_that_there_are() -> None:
    """An incomplete one is not among them."""
    assert problems(ai_service_release="9") == ["ai_service_release is 9, but the host has 0.2.0-b, 0.1.0-a"]


def test_wheelhouse_without_a_pin_is_told_by_name() -> None:
    """Not by pip's account of what it tried."""
    stderr = (
        "ERROR: Could not find a version that satisfies the requirement httpx==0.28.1 (from versions: none)\n"
        "ERROR: No matching distribution found for httpx==0.28.1\n"
    )
    told = reason(stderr, ai_service_wheelhouse="/srv/wheels")
    assert told == "Install: ai_service_wheelhouse has no wheel of httpx==0.28.1 for Python 3.11.2"


@pytest.mark.parametrize(("stderr", "told"), [("boom\n", "Install: boom"), ("", "Install: non-zero return code")])
def test_other_failures_are_told_as_they_are(stderr: str, told: str) -> None:
    """With what the program said, or else what Ansible says of it."""
    assert reason(stderr) == told


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"ai_service_release": "previous", "found": {"current": "", "deployed": []}},
            "there is no release before the first on this host",
        ),
        (
            {"ai_service_release": "0.1.0-a", "found": {"without_edge": ["0.1.0-a"]}},
            "the release 0.1.0-a was built before the edge",
        ),
        (
            {"ai_service_profile": "prod", "ai_service_fallbacks": ["mock"]},
            "the provider mock makes answers up, and ai_service_profile is prod",
        ),
        ({"ai_service_instances": 0}, "ai_service_instances must be 1 or more"),
        (
            {"ai_service_instances": 2, "ai_service_redis_url": ""},
            "ai_service_instances is 2 without ai_service_redis_url",
        ),
        ({"ai_service_environment": {"ALCHEMORSEL_PORT": 1}}, "must not set ALCHEMORSEL_PORT"),
        ({"ai_service_environment": {"PATH": "/"}}, "takes ALCHEMORSEL_* settings, not PATH"),
        ({"ai_service_environment": {"ALCHEMORSEL_LOG_LEVEL": "a\nb"}}, "has a line break: it must be one line"),
        ({"ai_service_redis_url": "redis://me:pw@cache"}, "ai_service_redis_url has a user or a password in it"),
        ({"ai_service_api_keys": ["sha256:0"]}, "ai_service_api_keys is set without ai_service_verify_key"),
        ({"ai_service_verify_key": "k"}, "ai_service_verify_key is set without ai_service_api_keys"),
        (
            {"ai_service_api_keys": ["sha256:0"], "ai_service_verify_key": "k", "ai_service_admin_key": "a"},
            "ai_service_admin_key is for a service without ai_service_api_keys",
        ),
        ({"ai_service_keep_releases": 0}, "ai_service_keep_releases must be 1 or more"),
    ],
)
def test_mistakes_are_refused_with_what_would_be_right(settings: dict[str, Any], said: str) -> None:
    """One thing at a time."""
    (problem,) = problems(**settings)
    assert said in problem
