"""How the role redis has the server of an earlier revision save its data, with rights for that moment only."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import redis

from tests.roles.redis_process import RedisProcess
from tests.roles.role_script import run_script

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

PASSWORD = "the-password-of-who-loads-users"
DIGEST = sha256(PASSWORD.encode()).hexdigest()
ADMIN = f"user alchemorsel-admin on #{DIGEST} -@all +auth +acl|load"
CACHE = f"user cache on #{DIGEST} ~* -@all +get +set"
ACL = "users.acl"


def save(folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    (folder / "admin").write_text(f"{PASSWORD}\n")
    return run_script(
        "redis",
        "certificate.sh save_answers.sh",
        REDIS_HOST="127.0.0.1",
        REDIS_PORT=str(port),
        REDIS_TLS_NAME="",
        REDIS_CA_FILE="",
        REDIS_TIMEOUT="5",
        SAVE_ADMIN="alchemorsel-admin",
        SAVE_PASSWORD_FILE=str(folder / "admin"),
        SAVE_ACL=str(folder / ACL),
        SAVE_TIMEOUT="20",
    )


def test_data_are_saved_and_another_server_reads_them(tmp_path: Path) -> None:
    """The dump is there though the server has no save points; the user for it may do nothing else."""
    with RedisProcess(tmp_path, [ADMIN, CACHE]) as server:
        client = redis.Redis(port=server.port, username="cache", password=PASSWORD)
        client.set("ai:answer", "kept")
        client.close()
        result = save(tmp_path, server.port)
    assert result.stdout == "saved\n", result.stderr
    assert PASSWORD not in str(result)
    lines = (tmp_path / ACL).read_text().splitlines()
    assert (lines[:2], len(lines)) == ([ADMIN, CACHE], 3)
    assert lines[2].endswith(" -@all +auth +save")
    with RedisProcess(tmp_path, [CACHE]) as server:
        client = redis.Redis(port=server.port, username="cache", password=PASSWORD)
        assert client.get("ai:answer") == b"kept"
        client.close()


def test_run_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    """The user that it left is replaced, whose password nobody has."""
    with RedisProcess(tmp_path, [ADMIN, f"user alchemorsel-save on #{DIGEST} -@all +auth +save"]) as server:
        assert save(tmp_path, server.port).stdout == "saved\n"
        assert save(tmp_path, server.port).stdout == "saved\n"
    assert (tmp_path / ACL).read_text().count("alchemorsel-save") == 1
    assert [path.name for path in tmp_path.glob(f"{ACL}.*")] == []


def test_server_that_does_not_know_the_administrator_is_left_as_it_is(tmp_path: Path) -> None:
    """The way out is named: to go on without the answers."""
    with RedisProcess(tmp_path, [CACHE]) as server:
        result = save(tmp_path, server.port)
    assert result.returncode == 1
    assert "WRONGPASS" in result.stderr
    assert "systemctl stop redis-server.service" in result.stderr
    assert not (tmp_path / "dump.rdb").exists()


def test_dump_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    """A full disk must not cost the answers: the server goes on."""
    with RedisProcess(tmp_path, [ADMIN, CACHE]) as server:
        (tmp_path / "dump.rdb").mkdir()
        result = save(tmp_path, server.port)
        assert result.returncode == 1
        assert "SAVE was answered by" in result.stderr
