"""Evaluates expressions of roles and playbooks the way Ansible does, without a host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.roles.ansible_module import ROLES

if TYPE_CHECKING:
    from pathlib import Path


def trusted(value: Any) -> Any:
    """Return what a YAML file of the project holds, its strings as templates: Ansible takes no others for such."""
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def load(path: Path) -> Any:
    """Return a YAML file of the project, ready to be evaluated."""
    return trusted(yaml.safe_load(path.read_text()))


def role_variables(role: str) -> dict[str, Any]:
    """Return the defaults and the internal variables of a role."""
    variables: dict[str, Any] = {}
    for folder in ("defaults", "vars"):
        path = ROLES / role / folder / "main.yml"
        variables |= load(path) if path.is_file() else {}
    return variables


def evaluate(expression: Any, variables: dict[str, Any]) -> Any:
    """Return what Ansible makes of a trusted value with these variables."""
    return Templar(loader=DataLoader(), variables=variables).template(expression)
