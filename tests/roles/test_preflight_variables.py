"""The filters that judge variables, with two small roles of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.preflight_variables import (
    documented_variables,
    placeholder_problems,
    variable_notices,
    variable_problems,
)
from jinja2 import Environment
from jinja2.runtime import Context

if TYPE_CHECKING:
    from pathlib import Path

SPECIFICATION = """
argument_specs:
  main:
    options:
{options}
"""
PLACEHOLDERS = ["change[-_ ]?me", "placeholder"]


class Untemplatable(Mapping[str, Any]):
    """A value that refers to something undefined, as Ansible's lazy containers do: every access fails."""

    def __getitem__(self, key: str) -> Any:
        """Fail as templating does."""
        raise RuntimeError(f"'{key}' is undefined")

    def __iter__(self) -> Iterator[str]:
        """Give one key."""
        return iter(["key"])

    def __len__(self) -> int:
        """Give the number of keys."""
        return 1


@pytest.fixture
def roles(tmp_path: Path) -> str:
    """Give a folder with the roles redis and redis_exporter."""
    for role, names in {"redis": ["redis_port", "redis_bind"], "redis_exporter": ["redis_exporter_port"]}.items():
        (tmp_path / role / "meta").mkdir(parents=True)
        options = "\n".join(f"      {name}: {{type: str}}" for name in names)
        (tmp_path / role / "meta" / "argument_specs.yml").write_text(SPECIFICATION.format(options=options))
    return str(tmp_path)


def remedies(names: list[str], roles: str, **other: Any) -> dict[str, str]:
    """Return the remedies by problem."""
    arguments = {"removed": {}, "ignored": [], **other}
    return {entry["problem"]: entry["remedy"] for entry in variable_problems(names, roles, **arguments)}


def test_prefix_of_an_internal_role_is_free(roles: str, tmp_path: Path) -> None:
    """Its variables are arguments of its entry points, and a site may have its own of that prefix."""
    (tmp_path / "common" / "meta").mkdir(parents=True)
    specification = "argument_specs: {packages: {options: {common_packages: {type: list}}}}"
    (tmp_path / "common" / "meta" / "argument_specs.yml").write_text(specification)
    assert remedies(["common_user", "redis_port"], roles) == {}


def test_known_variables_and_those_of_others_are_no_problem(roles: str) -> None:
    """Names without a role's prefix are none of our business; `__` is internal."""
    assert remedies(["redis_port", "redis_exporter_port", "ansible_user", "rediss", "__redis_x"], roles) == {}


def test_misspelt_variable_is_reported_with_the_nearest_right_name(roles: str) -> None:
    """The role whose prefix fits best answers."""
    assert remedies(["redis_prot", "redis_exporter_prt"], roles) == {
        "the role redis has no variable redis_prot": "did you mean redis_port?",
        "the role redis_exporter has no variable redis_exporter_prt": "did you mean redis_exporter_port?",
    }


FOREIGN = ["redis_requirepass", "redis_users", "redis_bind_interface", "redis_zzzzzzzzzzzzzzzzz"]
"""Of another collection's role of that name."""


@pytest.mark.parametrize("name", FOREIGN)
def test_variable_of_another_collection_is_noticed_and_no_problem(roles: str, name: str) -> None:
    """The prefix that both share does not make them alike."""
    assert remedies([name], roles) == {}
    (notice,) = variable_notices([name, "redis_port"], roles, {}, [])
    assert name in notice
    assert "roles/redis/README.md" in notice


def test_variables_of_another_collection_are_noticed_together(roles: str) -> None:
    """One sentence for each role; slips and what is ignored are not among them."""
    (notice,) = variable_notices([*FOREIGN, "redis_prot", "redis_gone"], roles, {"redis_gone": "x"}, ["redis_users"])
    assert "redis_bind_interface, redis_requirepass, redis_zzzzzzzzzzzzzzzzz:" in notice


def test_variable_under_another_roles_prefix_is_a_slip(roles: str) -> None:
    """As long as the rest is right."""
    assert remedies(["redis_exporte_port"], roles) == {
        "the role redis has no variable redis_exporte_port": "did you mean redis_exporter_port?"
    }


def test_removed_variable_is_explained(roles: str) -> None:
    """What replaces it is said, in place of a near name."""
    removed = {"redis_prot": "use redis_port"}
    assert remedies(["redis_prot"], roles, removed=removed) == {"the variable redis_prot was removed": "use redis_port"}


def test_ignored_variable_passes(roles: str) -> None:
    """Another role of the same name may have variables of its own."""
    assert remedies(["redis_users"], roles, ignored=["redis_users"]) == {}


def test_folder_without_roles_is_an_error(tmp_path: Path) -> None:
    """Looking in the wrong place must not look like everything is right."""
    with pytest.raises(ValueError, match="no role"):
        documented_variables(str(tmp_path))


def placeholders(roles: str, **variables: Any) -> list[str]:
    """Return the variables that hold placeholders."""
    environment = Environment(autoescape=True)
    context = Context(environment, variables, "test", {})
    return [
        entry["problem"].split()[0] for entry in placeholder_problems(context, list(variables), roles, PLACEHOLDERS)
    ]


@pytest.mark.parametrize("value", ["CHANGE_ME", "change-me", " ChangeMe\n", "placeholder"])
def test_placeholder_is_found_however_it_is_written(roles: str, value: str) -> None:
    """Case and white space around it do not hide it."""
    assert placeholders(roles, redis_password=value) == ["redis_password"]


@pytest.mark.parametrize("value", ["", "no-placeholder-at-all", "change-me-not-a-secret-of-its-own", 6379, None, True])
def test_other_values_are_no_placeholders(roles: str, value: Any) -> None:
    """Only a whole value counts: a secret may contain the words."""
    assert placeholders(roles, redis_password=value) == []


def test_placeholder_is_found_inside_of_lists_and_mappings(roles: str) -> None:
    """The path to it is said."""
    users = [{"name": "a", "password": "s3cret"}, {"name": "b", "password": "CHANGE_ME"}]
    assert placeholders(roles, redis_users=users) == ["redis_users[1].password"]


def test_vaulted_variables_are_looked_at_and_other_roles_are_not(roles: str) -> None:
    """`vault_` is where this project's inventories keep secrets."""
    assert placeholders(roles, vault_redis="CHANGE_ME", nginx_password="CHANGE_ME") == ["vault_redis"]


def test_value_that_cannot_be_templated_does_not_hide_the_others(roles: str) -> None:
    """A reference to another role's default is that role's concern."""
    assert placeholders(roles, redis_a=Untemplatable(), redis_b="CHANGE_ME") == ["redis_b"]


def test_value_of_a_secret_is_not_in_the_report(roles: str) -> None:
    """Problems are printed: they name variables, never values."""
    context = Context(Environment(autoescape=True), {"redis_password": "CHANGE_ME"}, "test", {})
    (problem,) = placeholder_problems(context, ["redis_password"], roles, PLACEHOLDERS)
    assert "CHANGE_ME" not in str(problem)
