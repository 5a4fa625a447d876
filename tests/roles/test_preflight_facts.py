"""The module preflight_facts as a whole; its parts have tests of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import run_module

if TYPE_CHECKING:
    from pathlib import Path


def test_platform_has_the_names_and_values_of_ansibles_own_facts() -> None:
    """Roles that find them ask the host for no others."""
    arguments = {"ANSIBLE_MODULE_ARGS": {"gather_subset": ["!all", "!min", "distribution", "platform"]}}
    gathered = subprocess.run(
        [sys.executable, "-m", "ansible.modules.setup"],
        input=json.dumps(arguments),
        capture_output=True,
        check=True,
        text=True,
    )
    own = json.loads(gathered.stdout)["ansible_facts"]
    told = run_module("preflight_facts", check_mode=True)["ansible_facts"]
    assert set(told) == {"architecture", "distribution", "distribution_release", "distribution_version"}
    assert told == {name: own[f"ansible_{name}"] for name in told}


def test_what_was_not_asked_for_is_not_measured(tmp_path: Path) -> None:
    """As when another role wants the space alone."""
    told = run_module("preflight_facts", paths=[str(tmp_path)])
    assert [space["path"] for space in told["spaces"]] == [str(tmp_path)]
    assert (told["listeners"], told["unreached"], told["clock_ahead"]) == ([], {}, None)
    assert told["capacity"]["memory_mb"] > 0


@pytest.mark.parametrize("wrong", [{"paths": ["models"]}, {"endpoints": ["registry.example"]}])
def test_wrong_parameter_is_refused_by_its_name(wrong: dict[str, Any]) -> None:
    """A relative path and a server without a port mean nothing here."""
    told = run_module("preflight_facts", **wrong)
    assert told["failed"]
    assert next(iter(wrong.values()))[0] in told["msg"]
