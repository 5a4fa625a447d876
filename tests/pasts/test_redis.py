"""Somebody's Redis is as it was, whatever the role redis does on its host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

UNIT = "redis-server.service"
PASSWORD = "the-password-of-the-site"  # of lab/pasts/redis.sh


@pytest.fixture(autouse=True)
def only_with_this_past(host: Host) -> None:
    """Skip hosts with another past."""
    if host.ansible.get_variables().get("past") != "redis":
        pytest.skip("this host had no Redis")


def ask(host: Host, command: str) -> str:
    """Return what the server answers to somebody with its password."""
    answer: str = host.check_output(f"REDISCLI_AUTH={PASSWORD} redis-cli -p 6379 --no-auth-warning {command}")
    return answer.strip()


def test_it_has_its_data(host: Host) -> None:
    """The key that was there before."""
    assert ask(host, "get site:key") == "kept"


def test_it_wants_its_password(host: Host) -> None:
    """Nobody else's, and no user of the service's."""
    assert "NOAUTH" in host.run("redis-cli -p 6379 ping").stdout
    assert ask(host, "acl users") == "default"


def test_it_has_its_settings(host: Host) -> None:
    """AOF, folder, and no limit of a cache."""
    settings = {name: ask(host, f"config get {name}").split()[-1] for name in ("appendonly", "dir", "maxmemory")}
    assert settings == {"appendonly": "yes", "dir": "/var/lib/redis/site", "maxmemory": "0"}


def test_it_was_never_restarted(host: Host) -> None:
    """The same process as before, and still enabled."""
    pid = host.check_output("systemctl show --property=MainPID --value %s", UNIT)
    assert pid == host.file("/root/past.pid").content_string.strip()
    assert host.check_output("systemctl is-enabled %s", UNIT) == "enabled"


def test_its_files_are_its_own(host: Host) -> None:
    """No drop-in, and the configuration that it had."""
    assert not host.file(f"/etc/systemd/system/{UNIT}.d").exists
    assert f"requirepass {PASSWORD}" in host.file("/etc/redis/redis.conf").content_string
