"""What preflight makes of wrong types, and of values that cannot be true together."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.alchemorsel.ai.plugins.filter.preflight_types import (
    combination_problems,
    role_options,
    type_problems_of,
)

from tests.roles.ansible_module import ROLES

OPTIONS = {
    "r_port": {"type": "int", "required": True},
    "r_mode": {"type": "str", "choices": ["a", "b"]},
    "r_items": {"type": "list", "elements": "dict", "options": {"name": {"type": "str", "required": True}}},
    "r_other": {"type": "str", "required": True},
}
CAPACITY = {"memory_mb": 8000, "processors": 4}


def test_values_that_fit_are_fine_and_nothing_else_is_asked_for() -> None:
    """A number in quotes is one; a required variable that the play gives is not missed here."""
    assert type_problems_of({"r_port": "3010", "r_mode": "a", "elsewhere": 1}, OPTIONS, "r") == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("r_port", "many", "r_port.* unable to convert to int"),
        ("r_mode", "c", "r_mode must be one of: a, b"),
        ("r_items", [{"nam": "x"}], "nam.* r_items"),
        ("r_items", [{}], "missing required arguments: name found in r_items"),
    ],
)
def test_wrong_value_is_named_with_what_would_be_right(name: str, value: object, said: str) -> None:
    """Inside of lists too; without the names of Ansible's classes."""
    problems = type_problems_of({name: value}, OPTIONS, "r")
    assert any(re.search(said, problem["problem"]) for problem in problems), problems
    assert "roles/r/README.md" in problems[0]["remedy"]
    assert "<class" not in problems[0]["problem"]


def test_policy_that_the_service_refuses_is_refused_before_anything_is_changed() -> None:
    """`--check-redis` would refuse the server at the first deployment."""
    (problem,) = type_problems_of({"redis_maxmemory_policy": "noeviction"}, role_options(str(ROLES), "redis"), "redis")
    assert "redis_maxmemory_policy must be one of: allkeys-lru" in problem["problem"]


def test_every_role_has_a_specification_to_be_checked_by() -> None:
    """And a role that is none has no options."""
    assert all(role_options(str(ROLES), path.parent.parent.name) for path in ROLES.glob("*/tasks/main.yml"))
    assert role_options(str(ROLES), "nobodys") == {}


def test_memory_is_promised_once() -> None:
    """Ollama and Redis on one host share what there is."""
    both = {"ollama_memory_limit": "6g", "redis_maxmemory": "2gb"}
    (problem,) = combination_problems(both, CAPACITY)
    assert "ollama_memory_limit 6g + redis_maxmemory 2gb is more than the host's 8000 MiB" in problem["problem"]
    assert combination_problems({"ollama_memory_limit": "6g", "redis_maxmemory": "1gb"}, CAPACITY) == []


def test_instances_take_their_share_of_memory() -> None:
    """So many instances that nothing is left for the model are refused by their number."""
    assert combination_problems({"ollama_memory_limit": "6g", "ai_service_instances": 2}, CAPACITY) == []
    (problem,) = combination_problems({"ollama_memory_limit": "6g", "ai_service_instances": "24"}, CAPACITY)
    assert "ollama_memory_limit 6g + ai_service_instances 24 of 80 MiB each is more" in problem["problem"]


def test_memory_is_promised_to_each_container() -> None:
    """Where there is one for each GPU."""
    each = {"ollama_memory_limit": "3g", "ollama_containers": 3}
    (problem,) = combination_problems(each, CAPACITY)
    assert "ollama_memory_limit 3g for each of 3 containers is more than" in problem["problem"]
    assert combination_problems({**each, "ollama_containers": 2}, CAPACITY) == []


def test_reservation_above_the_limit_is_a_problem() -> None:
    """Docker would refuse it in the middle of the play."""
    (problem,) = combination_problems({"ollama_memory_limit": "2g", "ollama_memory_reservation": "4g"}, CAPACITY)
    assert "ollama_memory_reservation (4g) is above ollama_memory_limit (2g)" in problem["problem"]


def test_more_processors_than_there_are_is_a_problem() -> None:
    """And as many as there are is none."""
    assert combination_problems({"ollama_cpus": 4.0}, CAPACITY) == []
    assert "has 4 CPUs" in combination_problems({"ollama_cpus": 4.5}, CAPACITY)[0]["problem"]


def test_value_that_is_no_number_is_left_to_the_type_check() -> None:
    """One mistake is one line of the report."""
    assert combination_problems({"ollama_cpus": "many", "redis_maxmemory": "lots"}, CAPACITY) == []


def test_defaults_of_other_roles_are_repeated_as_they_are() -> None:
    """What preflight assumes where the inventory says nothing is what the role will do."""
    text = (ROLES / "preflight" / "vars" / "main.yml").read_text()
    assumed = re.findall(r"\b((?:ollama|redis|ai_service|model_volume)_\w+) \| default\('?([\w./:]+)'?\)", text)
    assert len(assumed) >= 8
    for name, value in assumed:
        role = next(path for path in ROLES.iterdir() if name.startswith(f"{path.name}_"))
        real = str(yaml.safe_load((role / "defaults" / "main.yml").read_text())[name])
        assert real == value or (name == "ollama_image" and real.startswith(f"{value}:")), name
