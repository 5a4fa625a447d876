"""Filters that find misspelt, removed and placeholder variables before a role trips over them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.yaml import yaml_load
from jinja2 import pass_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2.runtime import Context

Problem = dict[str, str]
NEAR = 0.75
"""How alike two names of one role are of which one is a slip."""
VERY_NEAR = 0.9
"""The same, of two roles."""


def documented_variables(roles_path: str) -> dict[str, set[str]]:
    """Return the public variables of every role below a folder, from the roles' argument specifications.

    A role without a `main` is internal: its variables are arguments, and their prefix may be anybody's.

    Raises:
        ValueError: No role with a specification lies there.
    """
    variables: dict[str, set[str]] = {}
    for path in sorted(Path(roles_path).glob("*/meta/argument_specs.yml")):
        entries = yaml_load(path.read_text(encoding="utf-8"))["argument_specs"]
        if "main" in entries:
            variables[path.parent.parent.name] = {
                option for entry in entries.values() for option in entry.get("options", {})
            }
    if not variables:
        raise ValueError(f"no role with meta/argument_specs.yml lies below {roles_path}")
    return variables


def variable_problems(
    names: Sequence[str], roles_path: str, removed: Mapping[str, str], ignored: Sequence[str]
) -> list[Problem]:
    """Say which variables are slips: nearly a role's variable, or one that an earlier release had.

    Args:
        names: Names of all variables of the host.
        roles_path: Folder that holds the roles.
        removed: What to use instead, by the name of a variable that an earlier release had.
        ignored: Names to let pass, for variables that belong to somebody else's role of the same name.
    """
    roles = documented_variables(roles_path)
    problems = []
    for name in _unknown(names, roles, ignored):
        role = _role_of(name, roles)
        if name in removed:
            problems.append({"problem": f"the variable {name} was removed", "remedy": removed[name]})
        elif nearest := _nearest(name, role, roles):
            problems.append(
                {"problem": f"the role {role} has no variable {name}", "remedy": f"did you mean {nearest}?"}
            )
    return problems


def variable_notices(
    names: Sequence[str], roles_path: str, removed: Mapping[str, str], ignored: Sequence[str]
) -> list[str]:
    """Say which variables carry a role's prefix and are nobody's here: another collection's role has that name too.

    Args:
        names: As for :func:`variable_problems`, like the others.
        roles_path: Folder that holds the roles.
        removed: Variables of earlier releases.
        ignored: Names to let pass.
    """
    roles = documented_variables(roles_path)
    foreign: dict[str, list[str]] = {}
    for name in _unknown(names, roles, [*ignored, *removed]):
        role = _role_of(name, roles)
        if not _nearest(name, role, roles):
            foreign.setdefault(role, []).append(name)
    return [
        f"{', '.join(found)}: not read by the role {role} of this collection, whose variables are in "
        f"roles/{role}/README.md; preflight_ignored_variables silences this"
        for role, found in sorted(foreign.items())
    ]


def _unknown(names: Sequence[str], roles: Mapping[str, set[str]], ignored: Sequence[str]) -> list[str]:
    """Return variables with a role's prefix that no role has."""
    strange = set(names) - set().union(*roles.values()) - set(ignored)
    return sorted(name for name in strange if name.startswith(tuple(f"{role}_" for role in roles)))


def _role_of(name: str, roles: Mapping[str, set[str]]) -> str:
    """Return the role whose prefix fits a variable best."""
    return max((role for role in roles if name.startswith(f"{role}_")), key=len)


def _nearest(name: str, role: str, roles: Mapping[str, set[str]]) -> str:
    """Return the variable that was probably meant; empty where none is near.

    What follows the prefix is compared: the prefix, which all of them share, would make strangers look alike.
    """
    prefix = f"{role}_"
    rest = name.removeprefix(prefix)
    near = get_close_matches(rest, [each.removeprefix(prefix) for each in roles[role]], n=1, cutoff=NEAR)
    if near:
        return prefix + near[0]
    elsewhere = get_close_matches(name, set().union(*roles.values()), n=1, cutoff=VERY_NEAR)
    return elsewhere[0] if elsewhere else ""


@pass_context
def placeholder_problems(
    context: Context, names: Sequence[str], roles_path: str, placeholders: Sequence[str]
) -> list[Problem]:
    """Say which variables still hold an example's placeholder where a secret belongs.

    Looks at the variables of our roles and at `vault_*`, lists and mappings included. A value that cannot be templated
    here, because it refers to another role's default, is left to that role.

    Args:
        context: Where Jinja looks variables up.
        names: Names of all variables of the host.
        roles_path: Folder that holds the roles.
        placeholders: Regular expressions, matched against the whole value without regard to case.
    """
    prefixes = (*(f"{role}_" for role in documented_variables(roles_path)), "vault_")
    pattern = re.compile("|".join(f"(?:{placeholder})" for placeholder in placeholders), re.IGNORECASE)
    found = [
        path
        for name in sorted(names)
        # preflight's own variables name the placeholders, so they would find themselves
        if name.startswith(prefixes) and not name.startswith("preflight_")
        for path, value in _strings(name, partial(context.resolve_or_missing, name))
        if pattern.fullmatch(value.strip())
    ]
    return [
        {
            "problem": f"{path} still holds a placeholder",
            "remedy": "set a real value in a file that ansible-vault encrypts, or leave it empty to have one generated",
        }
        for path in found
    ]


def _strings(path: str, get: Callable[[], Any]) -> Iterator[tuple[str, str]]:
    """Yield every string below a lazily templated value with its path, skipping what cannot be templated."""
    try:
        value = get()
    except Exception:  # noqa: BLE001 - Ansible raises many kinds for a value that cannot be templated; none is ours
        return
    if isinstance(value, str):
        yield path, str(value)
    elif isinstance(value, Mapping):
        for key in value:
            yield from _strings(f"{path}.{key}", partial(value.__getitem__, key))
    elif isinstance(value, Sequence):
        for index in range(len(value)):
            yield from _strings(f"{path}[{index}]", partial(value.__getitem__, index))


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {
            "preflight_variable_problems": variable_problems,
            "preflight_variable_notices": variable_notices,
            "preflight_placeholder_problems": placeholder_problems,
        }
