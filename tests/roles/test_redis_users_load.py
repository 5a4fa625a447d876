"""The module redis_users_load, against a real server: new users come in, and nothing that was cached is lost."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import redis

from tests.roles.ansible_module import run_module
from tests.roles.redis_process import RedisProcess

if TYPE_CHECKING:
    from pathlib import Path

ADMIN = "the-password-of-who-loads-users"


def user(name: str, password: str, rights: str) -> str:
    """Return a user's line."""
    return f"user {name} on #{sha256(password.encode()).hexdigest()} resetchannels {rights}"


def load(folder: Path, port: int, **other: Any) -> dict[str, Any]:
    """Run the module."""
    (folder / "admin").write_text(f"{ADMIN}\n")
    params = {"user": "admin", "password_file": str(folder / "admin"), "stamp": str(folder / "stamp"), "timeout": 1}
    return run_module("redis_users_load", port=port, **params, **other)


def test_running_server_takes_up_a_password_and_keeps_its_data(tmp_path: Path) -> None:
    """Only a restart would lose the cache; the user for it may do nothing but this."""
    admin = user("admin", ADMIN, "-@all +auth +acl|load")
    with RedisProcess(tmp_path, [admin, user("cache", "former", "~* +@all")]) as server:
        before = redis.Redis(port=server.port, username="cache", password="former")
        before.set("ai:answer", "kept")
        server.write_users([admin, user("cache", "latter", "~* +@all")])
        result = load(tmp_path, server.port)
        assert (result["loaded"], (tmp_path / "stamp").exists()) == (True, True)
        after = redis.Redis(port=server.port, username="cache", password="latter")
        assert after.get("ai:answer") == b"kept"
        before.close()
        after.close()


def test_server_that_does_not_know_the_user_yet_needs_a_restart(tmp_path: Path) -> None:
    """As one that was set up before there was such a user; that is no failure."""
    with RedisProcess(tmp_path, [user("cache", "former", "~* +@all")]) as server:
        result = load(tmp_path, server.port)
    assert (result["loaded"], result.get("failed", False)) == (False, False)
    assert result["why_not"].startswith("-WRONGPASS")
    assert not (tmp_path / "stamp").exists()


def test_server_that_is_down_needs_a_start(tmp_path: Path) -> None:
    """Nothing listens."""
    with RedisProcess(tmp_path, []) as server:
        port = server.port
    assert load(tmp_path, port)["loaded"] is False


def test_users_that_the_server_refuses_are_a_failure(tmp_path: Path) -> None:
    """A restart with such a file would end with no server at all."""
    admin = user("admin", ADMIN, "-@all +auth +acl|load")
    with RedisProcess(tmp_path, [admin]) as server:
        server.write_users([admin, "user broken on +no-such-command"])
        result = load(tmp_path, server.port)
    assert result["failed"]
    assert "the server refuses its users" in result["msg"]


def test_check_mode_loads_nothing(tmp_path: Path) -> None:
    """It says that it would."""
    assert load(tmp_path, 1, check_mode=True)["changed"]
    assert not (tmp_path / "stamp").exists()
