"""The module docker_facts, on answers as dpkg, dockerd and systemctl give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.roles.ansible_module import load_plugin, run_module

docker_facts = load_plugin("docker_facts")

LISTING = "docker-ce 5:27.0.1-1 hold ok installed\n"
NOWHERE = Path("/nonexistent")


def host(listing: str = "", version: str = "", active: bool = False) -> Any:
    """Create a host with these answers."""

    def run(command: list[str]) -> tuple[int, str, str]:
        if command[0] == "dpkg-query":
            return 1, listing, "no packages found matching docker-cli"
        if command[0] == "dockerd":
            return (0 if version else 127), version, ""
        return 0, "ActiveState=active\nUnitFileState=enabled\n" if active else "ActiveState=inactive\n", ""

    return docker_facts.Host(run)


def test_packages_come_with_versions_and_holds() -> None:
    """What dpkg does not know makes it fail, and lists the others all the same."""
    found = host(LISTING).describe([], "", NOWHERE, "docker.service")
    assert found["installed"] == {"docker-ce": "5:27.0.1-1"}
    assert found["held"] == ["docker-ce"]


def test_engine_says_its_version_and_its_unit() -> None:
    """As both generations print it."""
    found = host(version="Docker version 20.10.24+dfsg1, build 297e128", active=True).describe([], "", NOWHERE, "x")
    assert (found["engine"], found["runs"], found["starts_at_boot"]) == ("20.10.24", True, True)


def test_host_without_an_engine_has_version_0() -> None:
    """So that comparisons need no special case."""
    found = host().describe([], "", NOWHERE, "docker.service")
    assert (found["engine"], found["runs"], found["installed"]) == ("0", False, {})


def test_files_that_name_the_repository_are_listed(tmp_path: Path) -> None:
    """In both forms of apt's lists; a slash at the end makes no difference."""
    (tmp_path / "old.list").write_text("deb [signed-by=/x] https://docker.test/linux/debian bookworm stable\n")
    (tmp_path / "ours.sources").write_text("Types: deb\nURIs: https://docker.test/linux/debian/\n")
    (tmp_path / "other.list").write_text("deb https://other.test/debian bookworm main\n")
    found = host().describe([], "https://docker.test/linux/debian/", tmp_path, "docker.service")
    assert found["source_files"] == [str(tmp_path / "old.list"), str(tmp_path / "ours.sources")]


def test_settings_are_converged_once_they_are_in_file_and_record(tmp_path: Path) -> None:
    """What the module that writes them would find to do; a file that nobody can read is not settled."""
    path, record = tmp_path / "daemon.json", tmp_path / "record.json"
    daemon: dict[str, Any] = {
        "path": str(path),
        "record": str(record),
        "defaults": {"icc": False},
        "options": {"mtu": 1400},
    }

    def settled() -> bool:
        return bool(run_module("docker_facts", packages=["docker.io"], daemon=daemon)["configured"])

    assert not settled()
    run_module("docker_daemon_config", **daemon)
    assert settled()
    for content in ('{"mtu": 1500, "icc": false}', "{"):
        path.write_text(content)
        assert not settled()
