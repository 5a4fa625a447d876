"""What a killed play has written is taken up by the next one, though no handler is notified then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.roles.ansible_module import ROLES
from tests.roles.templates import evaluate, load, role_variables, trusted

SETTLED = {"active": True, "enabled": True, "needs_reload": False, "settled": True}
STALE = {**SETTLED, "needs_reload": True}


def runs(role: str, file: str, task: str, **known: Any) -> bool:
    """Return whether a task of a role runs, by its conditions."""
    found = next(each for each in load(ROLES / role / "tasks" / file) if each["name"].endswith(f"| {task}"))
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
