"""The module docker_daemon_apply: reload before restart, restart only where it is needed and nobody is stopped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.module_utils import docker_pending, survey_engine

from tests.roles.ansible_module import load_plugin
from tests.roles.engine_host import EngineHost

if TYPE_CHECKING:
    from pathlib import Path

apply = load_plugin("docker_daemon_apply")
THEIRS = {"labels": ["theirs"]}


class Machine(EngineHost):
    """A host whose engine takes up its file as the real one does."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.live_restore = False
        self.reload_is_lost = False
        self.containers: list[str] = []
        self.config = self.write(survey_engine.CONFIG, THEIRS)
        self.start(since=time.time() + 1)
        self.done: list[str] = []

    def describe(self) -> dict[str, Any]:
        """Return what the engine says of itself."""
        containers = [{"name": name, "id": name} for name in self.containers]
        return {"live_restore": self.live_restore, "containers": containers, "swarm": "inactive"}

    def run(self, command: list[str]) -> tuple[int, str, str]:
        """Run a command, and do what it does."""
        if command[0] == "systemctl" and command[1] in {"reload", "restart"}:
            self.done.append(command[1])
            if command[1] == "restart" and self.refuses:
                return 1, "", self.refuses
            if command[1] == "restart":
                self.start(since=time.time() + 1, InvocationID="b2")
            if not self.reload_is_lost:
                self.live_restore = '"live-restore": true' in self.config.read_text()
            return 0, "", ""
        return super().run(command)

    def take_up(self, config: dict[str, Any], **options: bool) -> dict[str, Any]:
        """Write the file as the role does, and have the engine take it up."""
        settings = {"stops_containers": False, "reloads_only": False, **options}
        if not (self.root / docker_pending.STAMP).exists():
            docker_pending.remember(self.root / docker_pending.STAMP, "a1", docker_pending.hashes(THEIRS))
        self.write(survey_engine.CONFIG, config)
        engine = apply.Engine(self.run, self.root, self.config, config, self.describe)
        plan: dict[str, Any] = engine.plan(**settings)
        engine.perform(plan, stops_containers=settings["stops_containers"])
        return plan


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Give a host with an engine of somebody's."""
    return Machine(tmp_path)


def test_reload_brings_live_restore_before_the_restart(machine: Machine) -> None:
    """So that the containers that run outlive it; the next run has nothing to do."""
    machine.containers = ["theirs"]
    config = {**THEIRS, "icc": False, "live-restore": True}
    assert machine.take_up(config)["action"] == "restart"
    assert machine.done == ["reload", "restart"]
    assert machine.take_up(config)["action"] == "none"


def test_reload_is_enough_where_no_setting_needs_more(machine: Machine) -> None:
    """And is not repeated."""
    config = {**THEIRS, "registry-mirrors": ["https://mirror.test"]}
    assert machine.take_up(config)["action"] == "reload"
    assert machine.take_up(config)["action"] == "none"
    assert machine.done == ["reload"]


def test_restart_without_containers_needs_no_reload(machine: Machine) -> None:
    """There is nobody to be spared."""
    machine.take_up({**THEIRS, "icc": False, "live-restore": True})
    assert machine.done == ["restart"]


def test_restart_that_would_stop_containers_of_others_is_refused(machine: Machine) -> None:
    """Before anything is done; ours may stop, and others where that is allowed."""
    machine.containers = ["alchemorsel-ollama", "theirs"]
    with pytest.raises(apply.ApplyError, match=r"would stop these containers: theirs .*docker_stop_containers: true"):
        machine.take_up({**THEIRS, "icc": False})
    assert machine.done == []
    machine.take_up({**THEIRS, "icc": False}, stops_containers=True)
    assert machine.done == ["restart"]


def test_live_restore_that_does_not_come_into_force_prevents_the_restart(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the file says."""
    monkeypatch.setattr(apply, "LIVE_RESTORE_SECONDS", 0)
    machine.containers, machine.reload_is_lost = ["theirs"], True
    with pytest.raises(apply.ApplyError, match="live-restore is not in force"):
        machine.take_up({**THEIRS, "icc": False, "live-restore": True})
    assert machine.done == ["reload"]


def test_file_of_a_run_that_was_cut_off_is_taken_up(machine: Machine) -> None:
    """It is newer than the engine, and no stamp tells what is in force."""
    machine.start(since=time.time() - 60)
    engine = apply.Engine(machine.run, machine.root, machine.config, THEIRS, machine.describe)
    assert engine.pending == [docker_pending.UNKNOWN]
    engine.perform(engine.plan(stops_containers=False, reloads_only=False), stops_containers=False)
    assert machine.done == ["restart"]
    assert apply.Engine(machine.run, machine.root, machine.config, THEIRS, machine.describe).pending == []


def test_removal_reloads_an_engine_with_containers_only(machine: Machine) -> None:
    """What needs a restart is left to the next one, and named."""
    ours = {**THEIRS, "icc": False, "live-restore": True}
    machine.take_up(ours)
    machine.containers = ["theirs"]
    plan = machine.take_up(THEIRS, reloads_only=True)
    assert (plan["action"], plan["left"]) == ("reload", ["icc"])
    assert machine.done == ["restart", "reload"]
    # It is not in force, so that the next run takes it up where it may.
    machine.containers = []
    assert machine.take_up(THEIRS)["pending"] == ["icc"]


def test_removed_drop_in_is_a_restart(machine: Machine) -> None:
    """With the same care for containers."""
    engine = apply.Engine(machine.run, machine.root, machine.config, THEIRS, machine.describe, restarts=True)
    assert engine.plan(stops_containers=False, reloads_only=False)["action"] == "restart"
    machine.containers = ["theirs"]
    with pytest.raises(apply.ApplyError, match="would stop these containers: theirs"):
        engine.plan(stops_containers=False, reloads_only=False)


def test_engine_that_does_not_come_back_is_a_failure(machine: Machine) -> None:
    """With systemd's words; the stamp is that of before."""
    machine.refuses = "Job for docker.service failed"
    with pytest.raises(apply.ApplyError, match=r"Job for docker\.service failed"):
        machine.take_up({**THEIRS, "icc": False})


def test_engine_that_is_stopped_has_nothing_pending(machine: Machine) -> None:
    """Its start reads the file."""
    machine.start(since=0, ActiveState="inactive")
    assert machine.take_up({**THEIRS, "icc": False})["action"] == "none"
