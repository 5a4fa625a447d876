"""A cache host runs a Redis that lets nobody in without the service user's password, and that user nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hosts.sandbox import HIGHEST_EXPOSURE, exposure

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables

GROUP = "redis_hosts"


def _as_service_user(host: Host, variables: Variables, command: str) -> str:
    wanted = variables("redis")
    # The password is read on the host and handed over in the environment: it is in no argument list and no log.
    tls = f"--tls --cacert /etc/redis/tls/ca.crt -h {wanted['redis_tls_name']} " if wanted["redis_tls"] else ""
    script = (
        f"REDISCLI_AUTH=$(cat {wanted['redis_service_password_file']}) "
        f"redis-cli {tls}-p {wanted['redis_port']} --no-auth-warning --user {wanted['redis_service_user']} {command}"
    )
    return host.run(script).stdout.strip()


def test_ping_without_a_password_is_refused(host: Host, variables: Variables) -> None:
    """An unauthenticated client is told to authenticate."""
    answer = host.run(f"redis-cli -p {variables('redis')['redis_port']} ping").stdout
    assert "NOAUTH" in answer


def test_service_user_reads_and_writes_the_caches_keys(host: Host, variables: Variables) -> None:
    """The service's own keys work with the password that is kept on the host."""
    assert _as_service_user(host, variables, "set ai:v1:probe 1 EX 5") == "OK"
    assert _as_service_user(host, variables, "get ai:v1:probe") == "1"


def test_service_user_is_refused_other_keys_and_administration(host: Host, variables: Variables) -> None:
    """Least privilege: no foreign keys, no configuration, no flush of everything."""
    for command in ("set foreign 1", "config get maxmemory", "flushall", "acl list"):
        assert "NOPERM" in _as_service_user(host, variables, command), command


def test_listens_on_the_addresses_of_the_inventory_only(host: Host, variables: Variables) -> None:
    """No other address than the inventory's accepts connections."""
    wanted = variables("redis")
    listening = host.check_output("ss --listening --tcp --numeric --no-header %s", f"sport = :{wanted['redis_port']}")
    addresses = {line.split()[3].rpartition(":")[0].strip("[]") for line in listening.splitlines()}
    assert addresses <= set(wanted["redis_bind"])
    assert addresses, "nothing listens"


def test_password_file_is_readable_by_root_only(host: Host, variables: Variables) -> None:
    """The generated secret lies in a folder and a file that only root may open."""
    path = variables("redis")["redis_service_password_file"]
    assert host.file(path).mode == 0o600
    assert host.file(path).user == "root"
    assert host.file(str(path).rpartition("/")[0]).mode & 0o077 == 0


def test_unit_is_exposed_as_little_as_promised(host: Host) -> None:
    """The sandbox is 2.0 or less of 10 in systemd's own judgement."""
    assert exposure(host, "redis-server.service") <= HIGHEST_EXPOSURE
