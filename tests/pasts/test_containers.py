"""On a host with an engine of somebody's: container, settings and engine are as they were, whatever our role did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

RECORD = "/var/lib/alchemorsel/docker-daemon.json"
CONFIG = "/etc/docker/daemon.json"


@pytest.fixture(autouse=True)
def only_with_that_past(host: Host) -> None:
    """Skip hosts with another past."""
    if host.ansible.get_variables().get("scenario_past") != "containers":
        pytest.skip("the host has another past")


def content(host: Host, path: str) -> dict[str, Any]:
    """Return a JSON object of the host; empty where there is no such file."""
    file = host.file(path)
    loaded: dict[str, Any] = json.loads(file.content_string) if file.exists else {}
    return loaded


def test_container_of_others_was_never_stopped(host: Host) -> None:
    """The same process since the same time."""
    state = host.check_output("docker inspect --format '{{.State.Pid}} {{.State.StartedAt}}' theirs")
    assert state == host.file("/root/past/container").content_string.strip()
    assert host.file(f"/proc/{state.split()[0]}").exists


def test_settings_of_others_are_what_they_were(host: Host) -> None:
    """Also where ours were merged in between, and taken out again."""
    theirs, ours, now = (content(host, path) for path in ("/root/past/daemon.json", RECORD, CONFIG))
    for name, value in theirs.items():
        assert now[name] == (value | ours.get(name, {}) if isinstance(value, dict) else value)
    assert set(now) == {*theirs, *ours}


def test_live_restore_is_in_force_while_it_is_set(host: Host) -> None:
    """It came by a reload, before the restart."""
    if "live-restore" in content(host, RECORD):
        assert host.check_output("docker info --format '{{.LiveRestoreEnabled}}'") == "true"


def test_engine_stays_after_a_removal_of_ours(host: Host) -> None:
    """The role did not bring it."""
    assert host.check_output("systemctl is-active docker.service") == "active"
    assert host.run("docker image inspect theirs").rc == 0
