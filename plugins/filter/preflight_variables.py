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
    """Say which variables carry a role's prefix but are none of its variables.

    Args:
        names: Names of all variables of the host.
        roles_path: Folder that holds the roles.
        removed: What to use instead, by the name of a variable that an earlier release had.
        ignored: Names to let pass, for variables that belong to somebody else's role of the same name.
    """
    roles = documented_variables(roles_path)
    known = set().union(*roles.values())
    problems = []
    for name in sorted(set(names) - known - set(ignored)):
        if name in removed:
            problems.append({"problem": f"the variable {name} was removed", "remedy": removed[name]})
        elif any(name.startswith(f"{role}_") for role in roles):
            # The role whose prefix fits best is searched first: a near name there beats one elsewhere.
            role = max((role for role in roles if name.startswith(f"{role}_")), key=len)
            nearest = get_close_matches(name, roles[role], n=1) or get_close_matches(name, known, n=1)
            remedy = f"did you mean {nearest[0]}?" if nearest else f"see roles/{role}/README.md for its variables"
            problems.append({"problem": f"the role {role} has no variable {name}", "remedy": remedy})
    return problems


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
            "preflight_placeholder_problems": placeholder_problems,
        }
