"""Installations beside others who use the package manager: waiting, refreshing, and what is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.module_utils import survey_packages
from ansible_collections.alchemorsel.ai.plugins.module_utils.package_manager import (
    POLICY,
    Changes,
    LockedError,
    PackageError,
    PackageManager,
)

from tests.roles.ansible_module import load_plugin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODULE = load_plugin("packages")
PARAMS = {
    "name": ["haproxy"],
    "state": "present",
    "purge": False,
    "keeps_stopped": False,
    "is_pinned": False,
    "guarded": [],
    "keeps_dependents": False,
    "cache_valid_time": 3600,
}
UNKNOWN = (100, "", "E: Unable to locate package haproxy\n")
SIMULATED = """Inst libssl3 [3.0.1] (3.0.2 Debian:12 [amd64])
Inst haproxy (2.6.12-1 Debian:12 [amd64])
Conf haproxy (2.6.12-1 Debian:12 [amd64])
"""


class Host:
    """A host with dpkg's database, and apt-get that does what it is told to.

    Args:
        root: The host's root folder.
        is_known: Whether the lists know haproxy already.
    """

    def __init__(self, root: Path, *, is_known: bool = True) -> None:
        self.root = root
        self.is_known = is_known
        self.failures: list[tuple[int, str, str]] = []
        self.ran: list[list[str]] = []
        self.policies: list[str] = []
        self.in_the_way = ""
        self.simulated = 0
        (root / "var/lib/dpkg").mkdir(parents=True)
        (root / "var/lib/apt/lists").mkdir(parents=True)
        (root / "usr/sbin").mkdir(parents=True)
        self.write("adduser", "3.134")
        if is_known:
            self.download()

    def write(self, name: str, version: str, state: str = "installed") -> None:
        """Add a package to dpkg's database."""
        with (self.root / "var/lib/dpkg/status").open("a") as status:
            status.write(f"Package: {name}\nStatus: install ok {state}\nVersion: {version}\n\n")

    def download(self) -> None:
        """Have the lists of a source."""
        (self.root / "var/lib/apt/lists/deb.example_Packages").touch()
        self.is_known = True

    def __call__(self, command: list[str]) -> tuple[int, str, str]:
        """Run apt-get."""
        words = [word for word in command if word in {"check", "update", "install", "remove", "purge", "--simulate"}]
        if command[:2] == ["apt-get", "--simulate"]:  # whether others would lose something
            self.simulated += 1
            return (0, SIMULATED + self.in_the_way, "") if self.is_known else UNKNOWN
        if words == ["check"] or command[0] != "apt-get":  # how its sources are set, who needs a package
            return 0, "", ""
        self.ran.append(words)
        policy = self.root / "usr/sbin/policy-rc.d"
        self.policies.append(policy.read_text() if policy.exists() else "")
        if self.failures:
            return self.failures.pop(0)
        if words == ["update"]:
            self.download()
        elif words == ["install"]:
            if not self.is_known:
                return UNKNOWN
            self.write("haproxy", "2.6.12-1")
        return 0, "", ""


class Time:
    """A clock that stands still but while somebody waits.

    Args:
        at: What happens when so many seconds are over.
    """

    def __init__(self, at: dict[float, Callable[[], Any]] | None = None) -> None:
        self.now = 0.0
        self._at = at or {}

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def pause(self, seconds: float) -> None:
        """Wait."""
        self.now += seconds
        for moment in [moment for moment in self._at if moment <= self.now]:
            self._at.pop(moment)()


class Locks:
    """Locks of the package manager, in the place of the real ones."""

    def __init__(self) -> None:
        self.held = True

    def __call__(self, _root: Path) -> list[dict[str, Any]]:
        """Return who holds them."""
        return [{"path": "/var/lib/dpkg/lock", "pid": 7, "program": "unattended-upgrade"}] if self.held else []

    def release(self) -> None:
        """Give them back."""
        self.held = False


def converge(host: Host, *, check_mode: bool = False, time: Time | None = None, **params: Any) -> Changes:
    """Run the module's work on a host."""
    clock = time or Time()
    manager = PackageManager(host, host.root, 30, clock.pause, clock)
    changes: Changes = MODULE.converge(manager, {**PARAMS, **params}, check_mode=check_mode)[0]
    return changes


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Locks:
    """Give locks that somebody holds."""
    held = Locks()
    monkeypatch.setattr(survey_packages, "locks", held)
    return held


def test_missing_package_is_installed_once(tmp_path: Path) -> None:
    """The second time there is nothing to do, and nothing is run."""
    host = Host(tmp_path)
    assert converge(host).after == {"haproxy": "2.6.12-1"}
    assert converge(host) == Changes({}, {})
    assert host.ran == [["install"]]


@pytest.mark.parametrize(("wanted", "is_missing"), [("haproxy=2.6.*", False), ("haproxy=3.0*", True)])
def test_version_may_have_a_wildcard(tmp_path: Path, wanted: str, *, is_missing: bool) -> None:
    """As apt takes it."""
    host = Host(tmp_path)
    host.write("haproxy", "2.6.12-1")
    assert bool(PackageManager(host, tmp_path, 1).missing([wanted])) is is_missing


def test_missing_lists_are_downloaded_however_fresh_the_stamp(tmp_path: Path) -> None:
    """Somebody cleaned up, or an image came without them."""
    host = Host(tmp_path, is_known=False)
    (tmp_path / "var/lib/apt/periodic").mkdir(parents=True)
    (tmp_path / "var/lib/apt/periodic/update-success-stamp").touch()
    assert converge(host).after == {"haproxy": "2.6.12-1"}
    assert host.ran == [["update"], ["install"]]


@pytest.mark.parametrize(
    "failure", [UNKNOWN, (100, "", "E: Failed to fetch http://deb.example/x.deb  404  Not Found\n")]
)
def test_lists_that_are_too_old_are_downloaded_once(tmp_path: Path, failure: tuple[int, str, str]) -> None:
    """A new source, or an archive that went on; if that is no help, apt's reason is told."""
    host = Host(tmp_path)
    host.failures = [failure]
    converge(host)
    assert host.ran == [["install"], ["update"], ["install"]]
    host.failures = [failure, (0, "", "W: Failed to fetch http://deb.example/InRelease\n"), failure]
    with pytest.raises(PackageError, match=r"(?s)(Unable to locate|404).*InRelease"):
        converge(host, name=["other"])


def test_lock_of_another_is_waited_for(tmp_path: Path, locked: Locks) -> None:
    """Nothing is run before it is free, and who held it is told."""
    host = Host(tmp_path)
    clock = Time({10: locked.release})
    manager = PackageManager(host, tmp_path, 30, clock.pause, clock)
    MODULE.converge(manager, PARAMS, check_mode=False)
    assert host.ran == [["install"]]
    assert clock.now == 10
    assert manager.waited_for == ["unattended-upgrade (process 7, /var/lib/dpkg/lock)"]


def test_lock_that_is_held_for_too_long_is_told_with_its_holder(tmp_path: Path, locked: Locks) -> None:
    """Before anything is run."""
    host = Host(tmp_path)
    with pytest.raises(LockedError, match=r"more than 30 s by unattended-upgrade \(process 7"):
        converge(host)
    assert locked.held
    assert host.ran == []


@pytest.mark.parametrize(
    "said",
    ["E: Could not get lock /var/lib/apt/lists/lock. It is held by process 9 (apt)", "E: Unable to lock directory x"],
)
def test_somebody_who_was_quicker_is_waited_for_too(tmp_path: Path, said: str) -> None:
    """apt-get waits for dpkg's locks only."""
    host = Host(tmp_path)
    host.failures = [(100, "", f"{said}\n")] * 2
    assert converge(host).after == {"haproxy": "2.6.12-1"}
    assert len(host.ran) == 3


@pytest.mark.parametrize("check_mode", [True, False])
def test_interrupted_dpkg_is_refused_in_both_modes(tmp_path: Path, *, check_mode: bool) -> None:
    """With the way out, and nothing is run."""
    host = Host(tmp_path)
    (tmp_path / "var/lib/dpkg/updates").mkdir()
    (tmp_path / "var/lib/dpkg/updates/0001").touch()
    with pytest.raises(PackageError, match="dpkg --configure -a"):
        converge(host, check_mode=check_mode)
    assert host.ran == []


def test_check_mode_tells_versions(tmp_path: Path) -> None:
    """Dependencies included."""
    host = Host(tmp_path)
    changes = converge(host, check_mode=True)
    assert changes.before == {"libssl3": "3.0.1"}
    assert changes.after == {"libssl3": "3.0.2", "haproxy": "2.6.12-1"}
    assert (host.simulated, host.ran) == (1, [])


@pytest.mark.parametrize("check_mode", [True, False])
def test_installation_that_takes_a_package_of_others_is_refused_by_name(tmp_path: Path, *, check_mode: bool) -> None:
    """In check mode and for real alike, before anything is installed."""
    host = Host(tmp_path)
    host.in_the_way = "Remv site-proxy [1.0]\n"
    with pytest.raises(PackageError, match=r"would remove site-proxy to make room for haproxy.*Nothing was changed"):
        converge(host, check_mode=check_mode)
    assert ["install"] not in host.ran


def test_lists_are_refreshed_before_it_is_known_what_others_would_lose(tmp_path: Path) -> None:
    """Old lists know nothing of the conflict."""
    host = Host(tmp_path, is_known=False)
    host.in_the_way = "Remv site-proxy [1.0]\n"
    with pytest.raises(PackageError, match="would remove site-proxy"):
        converge(host)
    assert host.is_known


def test_removal_that_takes_a_package_of_others_along_is_refused_where_it_is_asked_for(tmp_path: Path) -> None:
    """What needs the package belongs to somebody."""
    host = Host(tmp_path)
    host.write("haproxy", "2.6.12-1")
    host.in_the_way = "Remv haproxy [2.6.12-1]\nRemv site-proxy [1.0]\n"
    with pytest.raises(PackageError, match="would remove site-proxy"):
        converge(host, state="absent", keeps_dependents=True)
    assert host.ran == []


def test_check_mode_downloads_no_lists(tmp_path: Path) -> None:
    """It says that it does not know more."""
    host = Host(tmp_path, is_known=False)
    manager = PackageManager(host, tmp_path, 1)
    assert MODULE.converge(manager, PARAMS, check_mode=True) == (Changes({}, {"haproxy": "?"}), True)
    assert not host.is_known


@pytest.mark.parametrize("before", ["", "#!/bin/sh\nexit 0\n", POLICY])
def test_units_are_kept_stopped_while_packages_are_installed(tmp_path: Path, before: str) -> None:
    """A policy of somebody's is back afterwards; what a cut-off installation left is none."""
    host = Host(tmp_path)
    policy = tmp_path / "usr/sbin/policy-rc.d"
    if before:
        policy.write_text(before)
    host.failures = [(100, "", "E: broken\n")]
    with pytest.raises(PackageError):
        converge(host, keeps_stopped=True)
    converge(host, keeps_stopped=True)
    assert host.policies == [POLICY, POLICY]
    assert (policy.read_text() if policy.exists() else "") == before.replace(POLICY, "")


def test_held_package_is_told_with_the_command_that_releases_it(tmp_path: Path) -> None:
    """In place of apt's sentence about an option that nobody gave."""
    host = Host(tmp_path)
    output = "The following held packages will be changed:\n  libssl3\nThe following NEW packages will be installed:\n"
    host.failures = [
        (100, output, "E: Held packages were changed and -y was used without --allow-change-held-packages.\n")
    ]
    with pytest.raises(PackageError, match="apt-mark unhold libssl3"):
        converge(host)


@pytest.mark.parametrize(("purge", "command"), [(False, []), (True, [["purge"]])])
def test_configuration_of_a_removed_package_is_purged_only(
    tmp_path: Path, command: list[list[str]], *, purge: bool
) -> None:
    """Removing it again would change nothing."""
    host = Host(tmp_path)
    host.write("haproxy", "2.6.12-1", "config-files")
    changes = converge(host, state="absent", purge=purge)
    assert host.ran == command
    assert (changes.before != changes.after) is purge


def test_lists_alone_are_downloaded_where_they_are_missing(tmp_path: Path) -> None:
    """And a source that is refused is a failure there."""
    host = Host(tmp_path, is_known=False)
    host.failures = [(100, "", "E: The repository is not signed.\n")]
    with pytest.raises(PackageError, match="not signed"):
        converge(host, name=[])
    assert converge(host, name=[]).after
    assert converge(host, name=[]) == Changes({}, {})


def test_lists_wait_for_a_lock_too(tmp_path: Path, locked: Locks) -> None:
    """apt-get itself does not."""
    host = Host(tmp_path, is_known=False)
    clock = Time({4: locked.release})
    converge(host, time=clock, name=[])
    assert clock.now == 4
    assert host.ran == [["update"]]


def test_package_that_an_installation_mends_does_not_stop_it(tmp_path: Path) -> None:
    """A driver that did not build is left half configured; the one that is installed then takes its place."""
    host = Host(tmp_path)
    host.write("haproxy", "2.6.11-1", "half-configured")
    assert converge(host).after == {"haproxy": "2.6.12-1"}
    host.write("foreign", "1.0", "half-configured")
    with pytest.raises(PackageError, match=r"not completely installed: foreign:"):
        converge(host, name=["socat"])
