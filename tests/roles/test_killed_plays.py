"""What a killed play has written is taken up by the next one, though no handler is notified then."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import ROLES
from tests.roles.templates import evaluate, load, role_variables, trusted

if TYPE_CHECKING:
    from pathlib import Path

SETTLED = {"active": True, "enabled": True, "needs_reload": False, "settled": True}
STALE = {**SETTLED, "needs_reload": True}


def task_of(role: str, file: str, task: str) -> dict[str, Any]:
    """Return a task of a role."""
    return next(each for each in load(ROLES / role / "tasks" / file) if each["name"].endswith(f"| {task}"))


def runs(role: str, file: str, task: str, **known: Any) -> bool:
    """Return whether a task of a role runs, by its conditions."""
    found = task_of(role, file, task)
    conditions = found["when"] if isinstance(found["when"], list) else [found["when"]]
    variables = {**role_variables(role), "ansible_check_mode": False, **known}
    return all(bool(evaluate(trusted(f"{{{{ {condition} }}}}"), variables)) for condition in conditions)


@pytest.mark.parametrize(
    ("behind", "written", "waits", "is_restarted"),
    [
        ([], False, False, False),
        (["/x"], False, False, True),
        (["/x"], True, False, False),
        (["/x"], False, True, False),
    ],
)
def test_page_with_former_settings_is_restarted(
    behind: list[str], *, written: bool, waits: bool, is_restarted: bool
) -> None:
    """Once: not where the handler has just done so, or the edge will."""
    known = {
        "web_waits_for_edge": waits,
        "__web_written": {"changed": written},
        "__web_facts": {
            "units": {"alchemorsel-web.service": SETTLED},
            "behind": {"alchemorsel-web.service": behind},
            "paths": {role_variables("web")["web_release_path"]: {"exists": True, "target": ""}},
        },
    }
    assert runs("web", "run.yml", "Start and enable the page", **known) is is_restarted


@pytest.mark.parametrize(("service", "is_reloaded"), [(SETTLED, False), (STALE, True)])
def test_service_of_a_timer_is_read_by_systemd(service: dict[str, bool], *, is_reloaded: bool) -> None:
    """The timer itself is as it should be; what it starts was written anew."""
    units = {"alchemorsel-backup.timer": SETTLED, "alchemorsel-backup.service": service}
    known = {"__backup_facts": {"units": units}}
    assert runs("backup", "run.yml", "Start and enable the backup timer", **known) is is_reloaded
    units = {"alchemorsel-container-status.timer": SETTLED, "alchemorsel-container-status.service": service}
    known = {"__ollama_facts": {"units": units}}
    assert runs("ollama", "status.yml", "Start and enable container status timer", **known) is is_reloaded


@pytest.mark.parametrize(
    ("written", "newer"), [({"unit": 3}, ["unit"]), ({"list": 3}, ["list"]), ({}, []), ({"specification": 1}, [])]
)
def test_specification_of_former_units_or_packages_is_regenerated(
    tmp_path: Path, written: dict[str, int], newer: list[str]
) -> None:
    """The handler is notified by their age as well, not only by what this play has written."""
    task = task_of(
        "gpu_container_toolkit", "configure.yml", "Compare the age of the CDI specification with units and packages"
    )
    for name, age in ({"unit": 1, "list": 1, "specification": 2} | written).items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (age, age))
    known = {
        "__gpu_container_toolkit_generators": [str(tmp_path / "unit"), str(tmp_path / "list")],
        "__gpu_container_toolkit_specification": str(tmp_path / "specification"),
    }
    argv = evaluate(task["ansible.builtin.command"]["argv"], known)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout.splitlines() == [str(tmp_path / name) for name in newer]
    assert task["notify"] == "GPU container toolkit | Regenerate the CDI specification"


@pytest.mark.parametrize(("behind", "state"), [([], "started"), (["/x"], "restarted")])
def test_persistence_daemon_with_former_start_options_is_restarted(behind: list[str], state: str) -> None:
    """It has not read its drop-in since that was written."""
    task = task_of("gpu_driver", "services.yml", "Start and enable nvidia-persistenced.service")
    known = {"__gpu_driver_services": {"behind": {"nvidia-persistenced.service": behind}}, **task["vars"]}
    assert evaluate(task["ansible.builtin.systemd_service"]["state"], known) == state


def test_model_volume_is_remounted_before_fstab_says_so() -> None:
    """A play that is killed in between finds the former line, and does both again."""
    names = [each["name"].rpartition("| ")[2] for each in load(ROLES / "model_volume" / "tasks" / "device.yml")]
    assert names.index("Remount the device with changed options") < names.index("Write the mount to /etc/fstab")
    compared = {"__model_volume_device": {"is_mounted": True}, "__model_volume_fstab": {"msg": "line replaced"}}
    arguments = ("model_volume", "device.yml", "Remount the device with changed options")
    assert runs(*arguments, **compared)
    assert not runs(*arguments, **{**compared, "__model_volume_fstab": {"msg": ""}})
