"""Parts of a run on a site that is provisioned: each of them works alone, from another directory, and changes nothing.

They would change hosts that differ from their inventory, so they run on throw-away ones only: the scenario past-proxy.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("docker", "model_volume", "ollama", "redis", "ai_service", "load_balancer")
PHASES = ("preflight", "install", "configure", "run", "verify")
TIMEOUT_S = 900
pytestmark = pytest.mark.timeout(TIMEOUT_S)
OWN_PLAY = """
- name: Bring hosts up to date one after the other
  hosts: all
  gather_facts: false
  serial: 1
  tasks:
    - name: Run the preflight
      ansible.builtin.include_role:
        name: alchemorsel.ai.preflight
      vars:
        preflight_components: [docker, redis]
    - name: Run the role redis
      ansible.builtin.include_role:
        name: alchemorsel.ai.redis
      when: "'redis_hosts' in group_names"
"""


def run(request: pytest.FixtureRequest, folder: Path, playbook: Path, *arguments: str) -> str:
    """Run a playbook from another directory, without the checkout's ansible.cfg, and return what it printed."""
    inventory = request.config.getoption("--ansible-inventory")
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            str(playbook),
            f"--inventory={inventory}",
            *arguments,
        ],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": "",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_FORCE_COLOR": "0",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def assert_nothing_changed(printed: str) -> None:
    """Want a recap without changes and failures for every host."""
    recap = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", printed, re.MULTILINE)
    assert recap, printed
    assert [host for host, *counts in recap if counts != ["0", "0", "0"]] == [], printed


@pytest.mark.parametrize("role", ROLES)
def test_a_role_runs_alone_by_its_tag(request: pytest.FixtureRequest, tmp_path: Path, role: str) -> None:
    """What it needs of others is read, whatever is chosen."""
    assert_nothing_changed(run(request, tmp_path, ROOT / "site.yml", f"--tags={role}"))


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_of_all_roles_runs_alone(request: pytest.FixtureRequest, tmp_path: Path, phase: str) -> None:
    """Without the phases before it, whose results it may need."""
    tags = ",".join(f"{role}_{phase}" for role in ROLES)
    assert_nothing_changed(run(request, tmp_path, ROOT / "site.yml", f"--tags={tags}"))


def test_a_run_is_limited_to_a_host(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The other host is not connected to."""
    printed = run(request, tmp_path, ROOT / "site.yml", "--limit=past-proxy")
    assert_nothing_changed(printed)
    assert "past-way-out" not in printed


def test_hosts_come_one_after_the_other_in_a_play_of_ones_own(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The report of the preflight is then that of one host at a time."""
    (tmp_path / "own.yml").write_text(OWN_PLAY)
    printed = run(request, tmp_path, tmp_path / "own.yml")
    assert_nothing_changed(printed)
    assert printed.count("Assert that no host has problems") == 2
