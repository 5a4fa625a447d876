"""The inventories of this repository, held against the roles as preflight does on a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from roles.preflight.filter_plugins.preflight_variables import variable_problems
from tests.roles.ansible_module import ROLES

if TYPE_CHECKING:
    from pathlib import Path

INVENTORIES = ROLES.parent / "inventories"
FILES = sorted(path for kind in ("group_vars", "host_vars") for path in INVENTORIES.glob(f"*/{kind}/**/*.yml"))


def test_there_are_inventories() -> None:
    """Without files the other test would pass."""
    assert {path.relative_to(INVENTORIES).parts[0] for path in FILES} >= {"dev", "prod"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(INVENTORIES)))
def test_inventory_sets_only_variables_that_roles_have(path: Path) -> None:
    """A misspelt variable would silently leave a default in force."""
    names = list(yaml.safe_load(path.read_text()) or {})
    assert variable_problems(names, str(ROLES), removed={}, ignored=[]) == []
