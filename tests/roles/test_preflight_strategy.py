"""The role preflight in a play of somebody's own, whose hosts do not wait for each other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.roles.ansible_module import COLLECTIONS

PLAY = """
- name: Run the preflight
  hosts: all
  gather_facts: false
  connection: local
  strategy: {strategy}
  roles:
    - role: alchemorsel.ai.preflight
      preflight_components: []
"""
DEADLINE_SECONDS = 60


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_strategy_without_a_common_moment_is_refused_before_anything_is_read(tmp_path: Path, strategy: str) -> None:
    """By the name of a task that says what is needed: some hosts would be changed while others have problems."""
    (tmp_path / "play.yml").write_text(PLAY.format(strategy=strategy))
    finished = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "play.yml", "--inventory", "a,b"],
        cwd=tmp_path,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_FORCE_COLOR": "0"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    output = finished.stdout + finished.stderr
    assert finished.returncode != 0
    assert "not supported in the free strategy" in output
    assert "Preflight | gather | Require the strategy linear" in output
    assert "Gather platform" not in output
