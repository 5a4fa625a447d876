"""The module preflight_facts as a whole; its parts have tests of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import load_plugin, run_module

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


def test_port_of_redis_is_the_one_that_the_host_chooses() -> None:
    """Other packet filters are asked about the port that will be used, not about the default."""
    services = [{"name": "Redis", "port": 0, "from": ["192.0.2.1"]}, {"name": "API", "port": 3010}]
    with_port = load_plugin("preflight_facts").with_redis_port
    assert [each["port"] for each in with_port(services, {"port": 6381})] == [6381, 3010]
    assert [each["name"] for each in with_port(services, {})] == ["API"]


@pytest.mark.parametrize(("asked", "root"), [("", "/srv/docker"), ("/data/docker", "/data/docker")])
def test_data_root_is_that_of_the_running_engine_unless_the_site_names_one(asked: str, root: str) -> None:
    """The engine's own word counts: flags of its unit move the folder too."""
    data_root = load_plugin("preflight_facts").data_root
    assert data_root(asked, {"data_root": "/srv/docker"}) == root
    assert data_root(None, {"data_root": "/srv/docker"}) is None
