"""A host that is backed up can be read back from its repository, and shows its password to nobody."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.hosts.sandbox import MAX_EXPOSURE, exposure

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables

PROGRAM = "/usr/local/sbin/alchemorsel-backup"
UNIT = "alchemorsel-backup.service"
TIMER = "alchemorsel-backup.timer"
REDIS_USER = "alchemorsel-backup"
DUMP = "/var/lib/alchemorsel/backup/redis.rdb"


@pytest.fixture(autouse=True)
def _only_where_backups_are_taken(host: Host) -> None:
    """Skip hosts on which playbooks/backup.yml never ran."""
    if not host.file(PROGRAM).exists:
        pytest.skip("no backups are taken of this host")


@pytest.fixture
def newest(host: Host) -> dict[str, Any]:
    """Give the repository's record of this host's newest backup."""
    name = host.check_output("hostname")
    told = host.check_output("%s snapshots --json --latest 1 --tag alchemorsel --host %s", PROGRAM, name)
    snapshots: list[dict[str, Any]] = json.loads(told)
    assert snapshots, f"the repository holds no backup of {name}"
    return max(snapshots, key=lambda snapshot: str(snapshot["time"]))


def test_backups_go_on_by_themselves(host: Host) -> None:
    """The timer waits for the next one, after a restart of the host too; the last one came to its end."""
    assert host.service(TIMER).is_enabled
    assert host.service(TIMER).is_running
    result = host.check_output("systemctl show --property=Result --value %s", UNIT)
    assert result == "success", f"the last backup failed: journalctl -u {UNIT}"


def test_newest_backup_holds_what_it_should(host: Host, variables: Variables, newest: dict[str, Any]) -> None:
    """The folders of the inventory, and Redis's data where it has a user who may copy them."""
    wanted = variables("backup")
    assert set(wanted["backup_paths"]) <= set(newest["paths"])
    users = {user["name"] for user in host.ansible.get_variables().get("redis_users", [])}
    if wanted["backup_redis_user"] or REDIS_USER in users:
        assert DUMP in host.check_output("%s ls %s %s", PROGRAM, newest["id"], DUMP).splitlines()


def test_nothing_of_a_snapshot_lies_about(host: Host) -> None:
    """What was compared or verified is gone: it holds the host's secrets."""
    assert not host.file("/var/lib/alchemorsel/snapshot").exists


def test_time_of_the_newest_backup_is_told(host: Host, variables: Variables, newest: dict[str, Any]) -> None:
    """Where a node exporter reads text files, for the alert on old backups."""
    folder = variables("backup")["backup_metrics_folder"]
    if not host.file(folder).exists:
        pytest.skip(f"no node exporter reads {folder}")
    told = host.file(f"{folder}/alchemorsel_backup.prom").content_string
    match = re.search(r"^alchemorsel_backup_last_success_timestamp_seconds (\d+)$", told, re.MULTILINE)
    assert match, told
    assert int(match[1]) >= int(datetime.fromisoformat(newest["time"]).timestamp())


def test_secrets_of_the_repository_are_roots(host: Host, variables: Variables) -> None:
    """Password and credentials, and the backups themselves where they are kept on this host."""
    for path in ("/etc/alchemorsel/backup.env", "/etc/alchemorsel/secrets/backup_password"):
        assert (host.file(path).user, host.file(path).mode) == ("root", 0o600), path
    repository = variables("backup")["backup_repository"]
    if repository.startswith("/"):
        assert host.file(repository).mode & 0o077 == 0, f"others may look into {repository}"


def test_unit_is_exposed_as_little_as_promised(host: Host) -> None:
    """The sandbox is 2.0 or less of 10 in systemd's own judgement."""
    assert exposure(host, UNIT) <= MAX_EXPOSURE
