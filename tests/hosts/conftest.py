"""What the tests of hosts share.

They run on any inventory of the project, and change nothing on the hosts:
`pytest tests/hosts --ansible-inventory inventories/prod --hosts 'ansible://all'`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from testinfra.host import Host

# pytest-testinfra calls Ansible's programs by name; they lie beside the Python that runs this.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

_ROLES = Path(__file__).resolve().parents[2] / "roles"
_UNSET = "__unset__"

Variables = Callable[[str], Mapping[str, Any]]


@cache
def _defaults(role: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_ROLES / role / "defaults" / "main.yml").read_text())
    return loaded


@cache
def _variables(host: Host, role: str) -> Mapping[str, Any]:
    defaults = _defaults(role)
    names = ", ".join(f"'{name}'" for name in defaults)
    query = f"query('ansible.builtin.vars', {names}, default='{_UNSET}')"
    values = host.ansible("ansible.builtin.debug", f'msg="{{{{ {query} }}}}"')["msg"]
    return {
        name: default if value == _UNSET else value
        for (name, default), value in zip(defaults.items(), values, strict=True)
    }


@pytest.fixture
def variables(host: Host) -> Variables:
    """Give the public variables of a role as set by this host's inventory, the role's defaults elsewhere."""
    return lambda role: _variables(host, role)


@pytest.fixture(autouse=True)
def only_in_group(request: pytest.FixtureRequest, host: Host) -> None:
    """Skip a module with a `GROUP`, or several as `GROUPS`, on hosts outside of them."""
    group = getattr(request.module, "GROUP", None)
    groups = getattr(request.module, "GROUPS", (group,) if group else ())
    if groups and not set(groups) & set(host.ansible.get_variables()["group_names"]):
        pytest.skip(f"{host.backend.get_pytest_id()} is not in {' or '.join(groups)}")
