"""The module docker_facts, on answers as dpkg, dockerd and systemctl give them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import load_plugin, run_module
from tests.roles.engine_host import EngineHost

if TYPE_CHECKING:
    from pathlib import Path

docker_facts = load_plugin("docker_facts")

NAMES = ["docker.io", "docker-ce"]
DEFAULTS = {"icc": False, "live-restore": True}


@pytest.fixture
def host(tmp_path: Path) -> EngineHost:
    """Give a bare host."""
    return EngineHost(tmp_path)


def described(host: EngineHost, repository: str = "") -> Any:
    """Return what the module says of a host, without the settings."""
    return docker_facts.Host(host.run, host.root).describe(NAMES, repository, host.root / "sources")


def test_packages_come_with_versions_and_holds(host: EngineHost) -> None:
    """What dpkg does not know makes it fail, and lists the others all the same."""
    host.packages, host.held = {"docker-ce": "5:27.0.1-1"}, {"docker-ce"}
    found = described(host)
    assert found["installed"] == {"docker-ce": "5:27.0.1-1"}
    assert found["held"] == ["docker-ce"]


def test_engine_says_its_version_and_its_unit(host: EngineHost) -> None:
    """As both generations print it."""
    host.version = "20.10.24"
    host.start(since=time.time())
    found = described(host)
    assert (found["engine"], found["runs"], found["starts_at_boot"]) == ("20.10.24", True, True)


def test_host_without_an_engine_has_version_0(host: EngineHost) -> None:
    """So that comparisons need no special case."""
    found = described(host)
    assert (found["engine"], found["runs"], found["installed"], found["data"]) == ("0", False, {}, [])


def test_folders_that_hold_something_are_listed(host: EngineHost) -> None:
    """They were filled before the role came."""
    host.write("etc/docker/daemon.json", {})
    (host.root / "var/lib/docker").mkdir(parents=True)
    assert described(host)["data"] == ["/etc/docker"]


def test_files_that_name_the_repository_are_listed(host: EngineHost) -> None:
    """In both forms of apt's lists; a slash at the end makes no difference."""
    old = host.write("sources/old.list", "deb [signed-by=/x] https://docker.test/linux/debian bookworm stable\n")
    ours = host.write("sources/ours.sources", "Types: deb\nURIs: https://docker.test/linux/debian/\n")
    host.write("sources/other.list", "deb https://other.test/debian bookworm main\n")
    assert described(host, "https://docker.test/linux/debian/")["source_files"] == [str(old), str(ours)]


def settings(host: EngineHost, options: dict[str, Any], **engine: Any) -> dict[str, Any]:
    """Return what the module says of the settings, with an engine of which this is known."""
    survey = described(host)["survey"]
    survey["engine"] |= engine
    daemon = {
        "path": str(host.root / "etc/docker/daemon.json"),
        "record": str(host.root / "record.json"),
        "defaults": DEFAULTS,
        "options": options,
    }
    found: dict[str, Any] = docker_facts.settings(daemon, survey, host.root)
    return found


def test_settings_that_would_be_merged_are_pending(host: EngineHost) -> None:
    """With live-restore nobody is stopped for them."""
    host.start(since=time.time())
    theirs = [{"name": "theirs", "id": "1"}]
    found = settings(host, {"mtu": 1400}, containers=theirs)
    assert found["pending"] == ["icc", "live-restore", "mtu"]
    assert found["needing_restart"] == ["icc", "mtu"]
    assert found["stopped_containers"] == []


def test_member_of_a_swarm_has_other_defaults(host: EngineHost) -> None:
    """Its containers do not outlive a restart."""
    host.start(since=time.time())
    theirs = [{"name": "theirs", "id": "1"}, {"name": "alchemorsel-ollama", "id": "2"}]
    found = settings(host, {}, swarm="active", containers=theirs)
    assert found["defaults"] == {"icc": False}
    assert found["stopped_containers"] == ["theirs"]


def test_file_newer_than_the_engine_is_pending_though_it_is_converged(host: EngineHost) -> None:
    """A run was cut off before the restart."""
    config = host.write("etc/docker/daemon.json", DEFAULTS)
    host.write("record.json", DEFAULTS)
    host.start(since=time.time() - 60)
    found = settings(host, {})
    assert found["configured"]
    assert found["pending"]
    os.utime(config, (1, 1))
    assert settings(host, {})["pending"] == []


def test_drop_in_of_ours_is_pending_until_the_engine_starts(host: EngineHost) -> None:
    """As where a run was cut off; one of others waits for its owner."""
    host.write("etc/docker/daemon.json", DEFAULTS)
    host.write("record.json", DEFAULTS)
    for name, found in (("theirs", 0), ("alchemorsel-proxy", 1)):
        path = f"etc/systemd/system/docker.service.d/{name}.conf"
        drop_in = host.write(path, "[Service]\n")
        os.utime(drop_in, (time.time() + 60, time.time() + 60))
        host.start(since=time.time() + 30, DropInPaths=f"/{path}")
        assert len(settings(host, {})["needing_restart"]) == found


def test_engine_that_is_stopped_has_nothing_pending(host: EngineHost) -> None:
    """Its start reads the file."""
    host.start(since=0, ActiveState="inactive")
    assert settings(host, {})["pending"] == []


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
