"""How the role redis has a running server read its users: new ones come in, and nothing that was cached is lost."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import redis

from tests.contract.certificates import Authority
from tests.roles.redis_process import RedisProcess
from tests.roles.role_script import run_script

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

ADMIN = "the-password-of-who-loads-users"


def user(name: str, password: str, rights: str) -> str:
    """Return a user's line."""
    return f"user {name} on #{sha256(password.encode()).hexdigest()} resetchannels {rights}"


def load(folder: Path, port: int, **tls: str) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    (folder / "admin").write_text(f"{ADMIN}\n")
    return run_script(
        "redis",
        "certificate.sh load_users.sh",
        REDIS_HOST="127.0.0.1",
        REDIS_PORT=str(port),
        REDIS_TLS_NAME=tls.get("name", ""),
        REDIS_CA_FILE=tls.get("ca_file", ""),
        REDIS_TIMEOUT="5",
        LOAD_USER="admin",
        LOAD_PASSWORD_FILE=str(folder / "admin"),
        LOAD_STAMP=str(folder / "stamp"),
    )


def test_running_server_takes_up_a_password_and_keeps_its_data(tmp_path: Path) -> None:
    """Only a restart would lose the cache; the user for it may do nothing but this."""
    admin = user("admin", ADMIN, "-@all +auth +acl|load")
    with RedisProcess(tmp_path, [admin, user("cache", "former", "~* +@all")]) as server:
        before = redis.Redis(port=server.port, username="cache", password="former")
        before.set("ai:answer", "kept")
        server.write_users([admin, user("cache", "latter", "~* +@all")])
        result = load(tmp_path, server.port)
        assert (result.stdout, (tmp_path / "stamp").exists()) == ("loaded\n", True)
        assert ADMIN not in str(result)
        after = redis.Redis(port=server.port, username="cache", password="latter")
        assert after.get("ai:answer") == b"kept"
        before.close()
        after.close()


def test_server_that_does_not_know_the_user_yet_needs_a_restart(tmp_path: Path) -> None:
    """As one that was set up before there was such a user; that is no failure."""
    with RedisProcess(tmp_path, [user("cache", "former", "~* +@all")]) as server:
        result = load(tmp_path, server.port)
    assert (result.returncode, result.stdout.startswith("needs a restart: ")) == (0, True)
    assert "WRONGPASS" in result.stdout
    assert not (tmp_path / "stamp").exists()


def test_server_that_is_down_needs_a_start(tmp_path: Path) -> None:
    """Nothing listens."""
    with RedisProcess(tmp_path, []) as server:
        port = server.port
    result = load(tmp_path, port)
    assert (result.returncode, "Connection refused" in result.stdout) == (0, True)


def test_password_goes_only_to_the_server_that_the_certificate_names(tmp_path: Path) -> None:
    """Another one is not asked, and the server restarted instead."""
    authority = Authority()
    (tmp_path / "ca.crt").write_text(authority.pem)
    admin = user("admin", ADMIN, "-@all +auth +acl|load")
    with RedisProcess(tmp_path, [admin], authority=authority) as server:
        ca_file = str(tmp_path / "ca.crt")
        assert load(tmp_path, server.port, name="127.0.0.1", ca_file=ca_file).stdout == "loaded\n"
        (tmp_path / "stamp").unlink()
        result = load(tmp_path, server.port, name="elsewhere.example", ca_file=ca_file)
    assert result.stdout == "needs a restart: the certificate is not valid for 'elsewhere.example'\n"
    assert not (tmp_path / "stamp").exists()


def test_users_that_the_server_refuses_are_a_failure(tmp_path: Path) -> None:
    """A restart with such a file would end with no server at all."""
    admin = user("admin", ADMIN, "-@all +auth +acl|load")
    with RedisProcess(tmp_path, [admin]) as server:
        server.write_users([admin, "user broken on +no-such-command"])
        result = load(tmp_path, server.port)
    assert result.returncode == 1
    assert "the server refuses its users" in result.stderr
    assert not (tmp_path / "stamp").exists()
