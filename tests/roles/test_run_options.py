"""Options of ansible-playbook that a run of a playbook of the project is given."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.roles.ansible_module import ROOT

PLAYBOOKS = [ROOT / "site.yml", *sorted((ROOT / "playbooks").glob("*.yml"))]
DEADLINE_SECONDS = 60


def run(folder: Path, playbook: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook from another directory, without the checkout's ansible.cfg."""
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            str(playbook),
            f"--inventory={ROOT / 'inventories' / 'dev' / 'hosts.yml'}",
            *arguments,
        ],
        cwd=folder,
        env={**os.environ, "ANSIBLE_CONFIG": "", "ANSIBLE_FORCE_COLOR": "0"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def first_hosts(playbook: Path) -> str:
    """Return the hosts of a playbook's first play, those of what it imports first included."""
    first = yaml.safe_load(playbook.read_text())[0]
    imported = first.get("ansible.builtin.import_playbook")
    return first_hosts(playbook.parent / imported) if imported else str(first["hosts"])


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_playbook_refuses_to_start_at_a_later_task(playbook: Path) -> None:
    """The skipped tasks read what later ones need, or ask whether all is to be removed."""
    assert "alchemorsel.ai.from_first_task" in first_hosts(playbook)


def test_start_at_a_later_task_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """Before it connects to a host."""
    done = run(tmp_path, PLAYBOOKS[0], "--start-at-task=Ollama | run | Create and start the container")
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "--start-at-task skips tasks that read the hosts" in told, told
    assert "such as --tags ollama_run" in told
    assert "TASK [" not in done.stdout


def test_playbook_is_read_from_another_directory(tmp_path: Path) -> None:
    """Roles and plugins are found by the links beside the playbook."""
    done = run(tmp_path, PLAYBOOKS[0], "--list-tasks")
    assert done.returncode == 0, done.stderr
    assert "Redis | preflight" in done.stdout
