"""The module redis_facts: what a running server has not read yet."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import load_plugin, run_module

if TYPE_CHECKING:
    from pathlib import Path

redis_facts = load_plugin("redis_facts")


@pytest.mark.parametrize(
    ("settings", "users", "loaded", "behind"),
    [
        (100, 100, None, []),
        (300, 100, None, ["settings"]),
        (100, 300, None, ["users"]),
        (100, 300, 400, []),
        (300, 500, 400, ["settings", "users"]),
    ],
)
def test_files_that_are_newer_than_their_reading_are_behind(
    tmp_path: Path, settings: int, users: int, loaded: int | None, behind: list[str]
) -> None:
    """The server started at 200; its users can be loaded later, its settings cannot."""
    for name, at in (("settings", settings), ("users", users), ("started", 200), ("loaded", loaded)):
        if at is not None:
            (tmp_path / name).write_text("")
            os.utime(tmp_path / name, (at, at))
    paths = [str(tmp_path / name) for name in ("settings", "users")]
    found = redis_facts.behind(paths[:1], paths[1], tmp_path / "started", tmp_path / "loaded")
    assert found == [str(tmp_path / name) for name in behind]


def test_server_that_does_not_run_is_behind_nothing(tmp_path: Path) -> None:
    """It reads everything when it starts."""
    (tmp_path / "users").write_text("")
    assert redis_facts.behind([], str(tmp_path / "users"), tmp_path / "started", tmp_path / "loaded") == []


def test_program_tells_its_version() -> None:
    """The installed one, and none where there is none."""
    assert redis_facts.version_of("redis-server")[0].isdigit()
    assert redis_facts.version_of("/nowhere/redis-server") == ""


def test_host_without_redis_is_no_failure(tmp_path: Path) -> None:
    """Every value is there, in check mode too."""
    absent = str(tmp_path / "absent")
    result = run_module(
        "redis_facts",
        check_mode=True,
        program=absent,
        users=absent,
        loaded=absent,
        started=absent,
    )
    assert (result["version"], result["behind"]) == ("", [])
    assert {"port", "former", "foreign"} <= set(result["survey"])
    assert result["memory_mb"] > 0


def test_missing_packages_and_unit_are_told(tmp_path: Path) -> None:
    """By name, so that nothing has to be asked for what is there."""
    wanted = ["dpkg", "no-such-package"]
    paths: dict[str, Any] = {"users": str(tmp_path / "users"), "loaded": str(tmp_path / "loaded")}
    result = run_module("redis_facts", packages=wanted, unit="no-such.service", **paths)
    assert (result["missing_packages"], result["settled"]) == (["no-such-package"], False)
    assert result["overcommit"] in {"0", "1", "2"}
