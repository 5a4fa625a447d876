"""The module redis_access, against real servers: a well-kept one, and ones with one hole each."""

from __future__ import annotations

import socket
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.contract.certificates import Authority
from tests.contract.redis_server import COMMANDS as COMMANDS_OF_THE_SERVICE
from tests.contract.redis_server import RIGHTS
from tests.roles.ansible_module import ROLES, run_module
from tests.roles.redis_process import RedisProcess

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "correct-horse-battery-staple"
VARIABLES = yaml.safe_load((ROLES / "redis" / "vars" / "main.yml").read_text())
COMMANDS = " ".join(f"+{command}" for command in VARIABLES["__redis_service_commands"])
DEFAULT_OFF = "user default off resetpass resetkeys -@all"
LIMITS = ("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")


def service(rights: str = f"~ai:* {COMMANDS}") -> str:
    """Return the line of the service's user."""
    return f"user alchemorsel on #{sha256(PASSWORD.encode()).hexdigest()} resetchannels resetkeys -@all {rights}"


def attempt(folder: Path, port: int, **other: Any) -> dict[str, Any]:
    """Run the module against a server."""
    password_file = folder / "password"
    password_file.write_text(PASSWORD + "\n")
    params = {
        "port": port,
        "user": "alchemorsel",
        "password_file": str(password_file),
        "key": "ai:selftest",
        "policy": "allkeys-lru",
        "timeout": 5,
        **other,
    }
    return run_module("redis_access", **params)


def test_role_gives_the_rights_that_the_service_is_tested_with_and_those_of_its_verification() -> None:
    """A database by number is the operator's choice; INFO is for the limits of the running server."""
    assert set(VARIABLES["__redis_service_commands"]) == {*COMMANDS_OF_THE_SERVICE, "select", "info"}
    assert f" ~{VARIABLES['__redis_service_keys']} " in RIGHTS


def test_server_with_the_roles_own_rights_passes(tmp_path: Path) -> None:
    """The user may do what the cache needs, all else is refused, and the key is gone after it."""
    with RedisProcess(tmp_path, [DEFAULT_OFF, service()], *LIMITS) as server:
        result = attempt(tmp_path, server.port)
        again = attempt(tmp_path, server.port)
    assert not result.get("failed"), result
    assert result["changed"] is False
    assert again["tried"] == result["tried"]
    assert "refused: PING without a password" in result["tried"]
    assert "refused: FLUSHALL" in result["tried"]


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
        ([DEFAULT_OFF, service()], ("--maxmemory", "64mb"), "the eviction policy should work"),
    ],
)
def test_server_with_one_hole_fails(tmp_path: Path, users: list[str], limits: tuple[str, ...], reason: str) -> None:
    """Each hole is found, and named."""
    with RedisProcess(tmp_path, users, *limits) as server:
        result = attempt(tmp_path, server.port)
    assert result["failed"]
    assert reason in result["msg"]


def test_password_is_in_no_result(tmp_path: Path) -> None:
    """Neither when all is well nor when it fails."""
    with RedisProcess(tmp_path, [DEFAULT_OFF, service()], *LIMITS) as server:
        assert PASSWORD not in str(attempt(tmp_path, server.port))
    assert PASSWORD not in str(attempt(tmp_path, server.port, timeout=0))


def test_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The address that was tried is in the message."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    result = attempt(tmp_path, port, timeout=1)
    assert result["failed"]
    assert f"Redis on 127.0.0.1 port {port}" in result["msg"]


def test_check_mode_connects_to_nothing(tmp_path: Path) -> None:
    """Before the first run there is no server to try."""
    assert attempt(tmp_path, 1, check_mode=True)["changed"] is False


def test_further_user_is_let_in_and_no_further(tmp_path: Path) -> None:
    """A user for monitoring logs in; one who could make itself mightier fails the trial."""
    (tmp_path / "exporter").write_text("password-of-the-exporter\n")
    users = [{"name": "exporter", "password_file": str(tmp_path / "exporter")}]
    line = f"user exporter on #{sha256(b'password-of-the-exporter').hexdigest()} resetchannels resetkeys -@all"
    with RedisProcess(tmp_path, [DEFAULT_OFF, service(), f"{line} +auth +info"], *LIMITS) as server:
        result = attempt(tmp_path, server.port, users=users)
    assert "log in as exporter" in result["tried"]
    with RedisProcess(tmp_path, [DEFAULT_OFF, service(), f"{line} +auth +acl"], *LIMITS) as server:
        assert "ACL SETUSER by exporter should be refused" in attempt(tmp_path, server.port, users=users)["msg"]


def test_server_is_tried_over_tls(tmp_path: Path) -> None:
    """With the authorities that are given, and by the name that clients use."""
    authority = Authority()
    (tmp_path / "ca.crt").write_text(authority.pem)
    tls = {"tls_name": "127.0.0.1", "ca_file": str(tmp_path / "ca.crt")}
    with RedisProcess(tmp_path, [DEFAULT_OFF, service()], *LIMITS, authority=authority) as server:
        result = attempt(tmp_path, server.port, **tls)
        assert not result.get("failed"), result
        assert (
            "not valid for 'elsewhere.example'"
            in attempt(tmp_path, server.port, **{**tls, "tls_name": "elsewhere.example"})["msg"]
        )
        (tmp_path / "ca.crt").write_text(Authority().pem)
        assert "certificate verify failed" in attempt(tmp_path, server.port, **tls)["msg"]
