"""Public variables of the roles: types, defaults, choices; without descriptions, which the roles' READMEs hold."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml

from tools.docs.role_tables import roles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PROSE = {"description", "short_description"}


def describe_variables(role: Path) -> str:
    """Return a role's argument specification as sorted JSON."""
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    entry_points = {name: _options(spec.get("options", {})) for name, spec in specs.items()}
    return json.dumps(entry_points, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _options(options: dict[str, Any]) -> dict[str, Any]:
    return {name: _option(option) for name, option in options.items()}


def _option(option: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in option.items() if key not in _PROSE}
    if "options" in kept:
        kept["options"] = _options(kept["options"])
    return kept


ROLES: dict[str, Callable[[], str]] = {role.name: partial(describe_variables, role) for role in roles()}
