"""The verification of the role redis, against real servers: a well-kept one, and ones with one hole each."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.contract.certificates import Authority
from tests.contract.redis_server import COMMANDS as COMMANDS_OF_THE_SERVICE
from tests.contract.redis_server import RIGHTS
from tests.roles.ansible_module import ROLES
from tests.roles.redis_process import RedisProcess
from tests.roles.role_script import run_script

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

PASSWORD = "correct-horse-battery-staple"
VARIABLES = yaml.safe_load((ROLES / "redis" / "vars" / "main.yml").read_text())
COMMANDS = " ".join(f"+{command}" for command in VARIABLES["__redis_service_commands"])
DEFAULT_OFF = "user default off resetpass resetkeys -@all"
LIMITS = ("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")


def service(rights: str = f"~ai:* {COMMANDS}") -> str:
    """Return the line of the service's user."""
    return f"user alchemorsel on #{sha256(PASSWORD.encode()).hexdigest()} resetchannels resetkeys -@all {rights}"


def attempt(folder: Path, port: int, **other: str) -> subprocess.CompletedProcess[str]:
    """Run the script against a server."""
    password_file = folder / "password"
    password_file.write_text(PASSWORD + "\n")
    environment = {
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(port),
        "REDIS_TLS_NAME": "",
        "REDIS_CA_FILE": "",
        "REDIS_TIMEOUT": "5",
        "TRY_USER": "alchemorsel",
        "TRY_PASSWORD_FILE": str(password_file),
        "TRY_KEY": "ai:selftest",
        "TRY_POLICY": "allkeys-lru",
        "TRY_USERS": "",
    }
    return run_script("redis", "certificate.sh try_access.sh", **{**environment, **other})


def test_role_gives_the_rights_that_the_service_is_tested_with_and_those_of_its_verification() -> None:
    """A database by number is the operator's choice; INFO is for the limits of the running server."""
    assert set(VARIABLES["__redis_service_commands"]) == {*COMMANDS_OF_THE_SERVICE, "select", "info"}
    assert f" ~{VARIABLES['__redis_service_keys']} " in RIGHTS


def test_server_with_the_roles_own_rights_passes(tmp_path: Path) -> None:
    """The user may do what the cache needs, all else is refused, and the key is gone after it."""
    with RedisProcess(tmp_path, [DEFAULT_OFF, service()], *LIMITS) as server:
        result = attempt(tmp_path, server.port)
        again = attempt(tmp_path, server.port)
    assert result.returncode == 0, result.stderr
    assert again.stdout == result.stdout
    tried = result.stdout.splitlines()
    assert "refused: PING without a password" in tried
    assert "refused: FLUSHALL" in tried
    assert tried[-1] == "the memory limit and the eviction policy"


@pytest.mark.parametrize(
    ("users", "limits", "reason"),
    [
        (["user default on nopass ~* &* +@all", service()], LIMITS, "PING without a password should be refused"),
        ([DEFAULT_OFF, service(f"~* {COMMANDS}")], LIMITS, "SET of a key outside should be refused"),
        ([DEFAULT_OFF, service(f"~ai:* {COMMANDS} +config")], LIMITS, "CONFIG GET should be refused"),
        ([DEFAULT_OFF, service(f"~ai:* {COMMANDS} +flushall")], LIMITS, "FLUSHALL should be refused"),
        ([DEFAULT_OFF, service("~ai:* +auth +get")], LIMITS, "SET ai:selftest should work"),
        ([DEFAULT_OFF, service(f"~ai:* {COMMANDS} -incrby")], LIMITS, "count by a script should work"),
        ([DEFAULT_OFF, service(f"resetpass ~ai:* {COMMANDS}")], LIMITS, "log in as alchemorsel should work"),
        ([DEFAULT_OFF, service()], (), "no memory limit"),
        (
            [DEFAULT_OFF, service()],
            ("--maxmemory", "64mb"),
            "the eviction policy should be allkeys-lru, but is: noeviction",
        ),
    ],
)
def test_server_with_one_hole_fails(tmp_path: Path, users: list[str], limits: tuple[str, ...], reason: str) -> None:
    """Each hole is found, and named."""
    with RedisProcess(tmp_path, users, *limits) as server:
        result = attempt(tmp_path, server.port)
    assert result.returncode == 1
    assert reason in result.stderr


def test_neither_passwords_nor_their_hashes_are_printed(tmp_path: Path) -> None:
    """Neither when all is well nor when it fails, not even where the server itself would tell."""
    with RedisProcess(tmp_path, [DEFAULT_OFF, service()], *LIMITS) as server:
        for other in ({}, {"TRY_POLICY": "noeviction"}):
            assert PASSWORD not in str(attempt(tmp_path, server.port, **other))
    with RedisProcess(tmp_path, [DEFAULT_OFF, service(f"~ai:* {COMMANDS} +acl")], *LIMITS) as server:
        result = attempt(tmp_path, server.port)
    assert "ACL LIST should be refused, but the server did it" in result.stderr
    assert sha256(PASSWORD.encode()).hexdigest() not in str(result)


def test_monitor_that_is_allowed_is_found(tmp_path: Path) -> None:
    """The client of a server that lets others be watched would watch for ever."""
    with RedisProcess(tmp_path, [DEFAULT_OFF, service(f"~ai:* {COMMANDS} +monitor")], *LIMITS) as server:
        result = attempt(tmp_path, server.port, REDIS_TIMEOUT="1")
    assert "MONITOR should be refused, but the server did it" in result.stderr


def test_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The address that was tried is in the message."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    result = attempt(tmp_path, port, REDIS_TIMEOUT="1")
    assert result.returncode == 1
    assert f"Redis on 127.0.0.1 port {port}: " in result.stderr
    assert "Connection refused" in result.stderr


def test_server_that_says_nothing_is_told(tmp_path: Path) -> None:
    """It accepts connections, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = attempt(tmp_path, silent.getsockname()[1], REDIS_TIMEOUT="1")
    assert "no reply within 1 s" in result.stderr


def test_server_that_is_starting_is_waited_for(tmp_path: Path) -> None:
    """Systemd calls a unit started before the server listens."""
    server = RedisProcess(tmp_path, [DEFAULT_OFF, service()], *LIMITS)
    with ThreadPoolExecutor() as pool:
        result = pool.submit(attempt, tmp_path, server.port, REDIS_TIMEOUT="30")
        time.sleep(0.5)
        with server:
            assert result.result().returncode == 0, result.result().stderr


def test_password_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """With the user that it is for."""
    with RedisProcess(tmp_path, [DEFAULT_OFF, service()], *LIMITS) as server:
        result = attempt(tmp_path, server.port, TRY_PASSWORD_FILE=str(tmp_path / "none"))
    assert f"cannot read the password of alchemorsel in {tmp_path / 'none'}" in result.stderr


def test_further_user_is_let_in_and_no_further(tmp_path: Path) -> None:
    """A user for monitoring logs in; one who could make itself mightier fails the trial."""
    (tmp_path / "exporter").write_text("password-of-the-exporter\n")
    users = {"TRY_USERS": f"exporter {tmp_path / 'exporter'}\n"}
    line = f"user exporter on #{sha256(b'password-of-the-exporter').hexdigest()} resetchannels resetkeys -@all"
    with RedisProcess(tmp_path, [DEFAULT_OFF, service(), f"{line} +auth +info"], *LIMITS) as server:
        result = attempt(tmp_path, server.port, **users)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-2:] == ["log in as exporter", "refused: ACL SETUSER by exporter"]
    with RedisProcess(tmp_path, [DEFAULT_OFF, service(), f"{line} +auth +acl"], *LIMITS) as server:
        result = attempt(tmp_path, server.port, **users)
    assert (result.returncode, "ACL SETUSER by exporter should be refused" in result.stderr) == (1, True)


def test_server_is_tried_over_tls(tmp_path: Path) -> None:
    """With the authorities that are given, and by the name or address that clients use."""
    authority = Authority()
    (tmp_path / "ca.crt").write_text(authority.pem)
    tls = {"REDIS_TLS_NAME": "127.0.0.1", "REDIS_CA_FILE": str(tmp_path / "ca.crt")}
    with RedisProcess(tmp_path, [DEFAULT_OFF, service()], *LIMITS, authority=authority) as server:
        result = attempt(tmp_path, server.port, **tls)
        assert result.returncode == 0, result.stderr
        for wrong in ("elsewhere.example", "127.0.0.2"):
            result = attempt(tmp_path, server.port, **{**tls, "REDIS_TLS_NAME": wrong})
            assert (result.returncode, f"not valid for '{wrong}'" in result.stderr) == (1, True)
        (tmp_path / "ca.crt").write_text(Authority().pem)
        assert "certificate verify failed" in attempt(tmp_path, server.port, **tls).stderr
