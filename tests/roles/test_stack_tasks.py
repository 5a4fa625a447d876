"""The program that has a Swarm look again at nodes without tasks; `docker` is a stand-in that answers from files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.roles.role_script import run_script

if TYPE_CHECKING:
    from pathlib import Path

STAND_IN = """#!/bin/sh
echo "$*" >>"$0.calls"
case "$1 $2" in
  "node inspect") cat "$0.leader" ;;
  "service ps") cat "$0.served" ;;
  "node ls") cat "$0.nodes" ;;
esac
"""
NODES = "id1 Ready Active one\nid2 Ready Active two\nid3 Down Active three\nid4 Ready Drain four\n"


def updated(folder: Path, *, leader: str = "true\n", served: str | None = "id1\n") -> list[str]:
    """Run it against what a Swarm tells, `served` None without the service; return the nodes that it updated."""
    docker = folder / "docker"
    docker.write_text(STAND_IN)
    docker.chmod(0o755)
    for name, text in (("leader", leader), ("served", served), ("nodes", NODES)):
        if text is not None:
            (folder / f"docker.{name}").write_text(text)
    done = run_script("stack", "stack_tasks.sh", "alchemorsel_edge", PATH=f"{folder}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    calls = (folder / "docker.calls").read_text().splitlines()
    return [call.split()[-1] for call in calls if call.startswith("node update --availability active ")]


def test_ready_node_without_a_task_is_looked_at_again(tmp_path: Path) -> None:
    """Not one that is down, nor one that is drained."""
    assert updated(tmp_path) == ["id2"]


def test_nodes_with_tasks_are_left_alone(tmp_path: Path) -> None:
    """A part of another node's name is not its name."""
    assert updated(tmp_path, served="id1\nid2\n") == []


@pytest.mark.parametrize("leader", ["false\n", "\n", ""])
def test_only_the_leader_acts(tmp_path: Path, leader: str) -> None:
    """A worker may not ask, and has no role of a manager."""
    assert updated(tmp_path, leader=leader) == []


def test_without_the_stack_nothing_is_done(tmp_path: Path) -> None:
    """It was removed, or is not there yet."""
    assert updated(tmp_path, served=None) == []
