"""What every role promises (defaults, specification, README, names), compared file by file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.docs.role_tables import with_comments, with_table

ROLES = Path(__file__).parents[2] / "roles"
NAMES = sorted(path.parent.parent.name for path in ROLES.glob("*/tasks/main.yml"))
CHANGES_NOTHING = {"preflight", "gpu_facts"}  # so they have nothing that could be absent


def load(role: str, path: str) -> Any:
    """Return a YAML file of a role."""
    return yaml.safe_load((ROLES / role / path).read_text())


def options(role: str) -> dict[str, Any]:
    """Return the public variables of a role by its specification."""
    found: dict[str, Any] = load(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return found


def tasks(role: str) -> list[dict[str, Any]]:
    """Return all tasks and handlers of a role, blocks opened."""
    found: list[dict[str, Any]] = []
    waiting = [
        task
        for folder in ("tasks", "handlers")
        for path in sorted((ROLES / role / folder).glob("*.yml"))
        for task in yaml.safe_load(path.read_text())
    ]
    while waiting:
        task = waiting.pop()
        found.append(task)
        for part in ("block", "rescue", "always"):
            waiting.extend(task.get(part, []))
    return found


def test_there_are_roles() -> None:
    """Without roles every other test here would pass."""
    assert {"preflight", "docker", "model_volume", "redis"} <= set(NAMES)


@pytest.mark.parametrize("role", NAMES)
def test_defaults_and_specification_name_the_same_variables(role: str) -> None:
    """A variable without a default must be required; one without a specification does not exist."""
    specified = options(role)
    defaults = load(role, "defaults/main.yml")
    assert set(defaults) == {name for name, option in specified.items() if not option.get("required")}


@pytest.mark.parametrize("role", NAMES)
def test_specified_defaults_are_the_real_ones(role: str) -> None:
    """The documentation does not promise another value; one that is computed is not repeated."""
    defaults = load(role, "defaults/main.yml")
    for name, option in options(role).items():
        if "default" in option:
            assert option["default"] == defaults[name], name


@pytest.mark.parametrize("role", NAMES)
def test_every_variable_is_typed_described_and_prefixed(role: str) -> None:
    """Names begin with the role's, so that two roles never share one."""
    for name, option in options(role).items():
        assert name.startswith(f"{role}_")
        assert option["type"]
        assert option["description"], name
        if option["type"] == "list":
            assert option["elements"], name


@pytest.mark.parametrize("role", NAMES)
def test_defaults_have_todays_comments(role: str) -> None:
    """The file is where people look first; its comments are made from the specification: `make docs` writes them."""
    assert with_comments(ROLES / role) == (ROLES / role / "defaults" / "main.yml").read_text()


@pytest.mark.parametrize("role", NAMES)
def test_internal_variables_are_marked_as_such(role: str) -> None:
    """`__<role>_`: what a user may set is in the defaults and nowhere else."""
    if (ROLES / role / "vars" / "main.yml").exists():
        assert all(name.startswith(f"__{role}_") for name in load(role, "vars/main.yml"))
    registered = [task["register"] for task in tasks(role) if "register" in task]
    assert all(name.startswith(f"__{role}_") for name in registered)


@pytest.mark.parametrize("role", NAMES)
def test_readme_has_todays_variables(role: str) -> None:
    """The table in the README is made from the specification: `make docs` writes it."""
    assert with_table(ROLES / role) == (ROLES / role / "README.md").read_text()


@pytest.mark.parametrize("role", NAMES)
def test_role_can_be_removed(role: str) -> None:
    """`absent` without `purge` keeps data, so purge is off by default."""
    if role not in CHANGES_NOTHING:
        assert options(role)[f"{role}_state"]["choices"] == ["present", "absent"]
        assert load(role, "defaults/main.yml")[f"{role}_purge"] is False


@pytest.mark.parametrize("role", NAMES)
def test_no_failure_is_hidden(role: str) -> None:
    """Neither `ignore_errors` nor `failed_when: false`: an expected status is named."""
    for task in tasks(role):
        assert "ignore_errors" not in task, task["name"]
        assert task.get("failed_when") is not False, task["name"]


@pytest.mark.parametrize("role", [*NAMES, "common"])
def test_packages_are_installed_in_one_way(role: str) -> None:
    """By `alchemorsel.ai.packages`: apt's module does not wait for all locks, and takes deleted lists for fresh."""
    modules = {"ansible.builtin.apt", "ansible.builtin.package", "apt"}
    assert [task["name"] for task in tasks(role) if modules & set(task)] == []


@pytest.mark.parametrize("role", NAMES)
def test_task_names_say_role_and_phase(role: str) -> None:
    """A line of output says where it comes from, also where Ansible leaves the role out."""
    stem = role.replace("_", " ")
    for task in tasks(role):
        assert task["name"].lower().startswith((f"{stem} | ", f"{role} | ")), task["name"]


@pytest.mark.parametrize("role", NAMES)
def test_purge_may_come_from_the_command_line(role: str) -> None:
    """`-e <role>_purge=true`, as the runbook has it, is a string, which counts as true whatever it says."""
    for path in (*(ROLES / role / "tasks").glob("*.yml"), *(ROLES / role / "vars").glob("*.yml")):
        used = [line for line in path.read_text().splitlines() if re.search(rf"\b{role}_purge\b(?!:)", line)]
        assert [line for line in used if f"{role}_purge | bool" not in line and not line.startswith("#")] == [], path


def test_internal_role_specifies_every_entry_point() -> None:
    """It has no `main`, so its arguments are named nowhere else."""
    entry_points = {path.stem for path in (ROLES / "common" / "tasks").glob("*.yml")}
    assert set(load("common", "meta/argument_specs.yml")["argument_specs"]) == entry_points
    assert "main" not in entry_points


@pytest.mark.parametrize("role", [*NAMES, "common"])
def test_ansible_managed_stands_in_templates_only(role: str) -> None:
    """Ansible defines it for templates alone; a variable that has it fails the play."""
    files = [
        path for folder in ("tasks", "vars", "defaults", "handlers") for path in (ROLES / role / folder).glob("*.yml")
    ]
    assert [path.name for path in files if "ansible_managed" in path.read_text()] == []
