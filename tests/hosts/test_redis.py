"""A cache host runs a Redis that lets nobody in without the service user's password, and that user nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hosts.redis_server import redis_port
from tests.hosts.sandbox import MAX_EXPOSURE, exposure

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables

GROUP = "redis_hosts"
UNIT = "redis-server@alchemorsel.service"


def _name_in_certificate(variables: Variables) -> str:
    """By which clients reach the server; the role's default is made of another variable."""
    wanted = variables("redis")
    return str(wanted["redis_bind"][-1] if "{{" in wanted["redis_tls_name"] else wanted["redis_tls_name"])


def _client(host: Host, variables: Variables) -> str:
    """Return the command of a client of this host's Redis."""
    wanted = variables("redis")
    authority = "/etc/redis/redis-alchemorsel-tls/ca.crt"
    tls = f"--tls --cacert {authority} -h {_name_in_certificate(variables)} " if wanted["redis_tls"] else ""
    return f"redis-cli {tls}-p {redis_port(host)} --no-auth-warning"


def _as_service_user(host: Host, variables: Variables, command: str) -> str:
    wanted = variables("redis")
    # The password is read on the host and handed over in the environment: it is in no argument list and no log.
    script = (
        f"REDISCLI_AUTH=$(cat {wanted['redis_service_password_file']}) "
        f"{_client(host, variables)} --user {wanted['redis_service_user']} {command}"
    )
    answer: str = host.run(script).stdout.strip()
    return answer


def test_ping_without_a_password_is_refused(host: Host, variables: Variables) -> None:
    """An unauthenticated client is told to authenticate."""
    assert "NOAUTH" in host.run(f"{_client(host, variables)} ping").stdout


def test_nobody_is_answered_without_tls_where_it_is_wanted(host: Host, variables: Variables) -> None:
    """No plain connection, no unknown authority; the key is for root and the server only."""
    wanted = variables("redis")
    if not wanted["redis_tls"]:
        pytest.skip("this site's Redis does not speak TLS")
    address = f"-h {_name_in_certificate(variables)} -p {redis_port(host)}"
    plain = host.run(f"redis-cli {address} ping")
    assert "PONG" not in plain.stdout + plain.stderr
    assert "NOAUTH" not in plain.stdout + plain.stderr
    distrustful = host.run(f"redis-cli --tls {address} ping")
    assert "certificate verify failed" in distrustful.stdout + distrustful.stderr
    key = host.file("/etc/redis/redis-alchemorsel-tls/server.key")
    assert (key.user, key.group, key.mode) == ("root", "redis", 0o640)


def test_service_user_reads_and_writes_the_caches_keys(host: Host, variables: Variables) -> None:
    """The service's own keys work with the password that is kept on the host."""
    assert _as_service_user(host, variables, "set ai:v2:probe 1 EX 5") == "OK"
    assert _as_service_user(host, variables, "get ai:v2:probe") == "1"


def test_service_user_is_refused_other_keys_and_administration(host: Host, variables: Variables) -> None:
    """Least privilege: no foreign keys, no configuration, no flush of everything."""
    for command in ("set foreign 1", "config get maxmemory", "flushall", "acl list"):
        assert "NOPERM" in _as_service_user(host, variables, command), command


def test_listens_on_the_addresses_of_the_inventory_only(host: Host, variables: Variables) -> None:
    """No other address than the inventory's accepts connections."""
    wanted = variables("redis")
    listening = host.check_output("ss --listening --tcp --numeric --no-header %s", f"sport = :{redis_port(host)}")
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
    assert exposure(host, UNIT) <= MAX_EXPOSURE
