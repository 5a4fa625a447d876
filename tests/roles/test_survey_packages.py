"""What a host's package manager is found to have, on files of a host's own and real locks."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.preflight_packages import packages_notices, packages_problems
from ansible_collections.alchemorsel.ai.plugins.module_utils.survey_packages import (
    LOCKS,
    engine_has_proxy,
    has_lists,
    locks,
    problems,
    survey,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATUS = """Package: adduser
Status: install ok installed
Version: 3.134
Description: add users
 Package: not-a-package

Package: haproxy
Status: hold ok not-installed

Package: linux-image
Status: hold ok installed
Version: 6.1

Package: man-db
Status: install ok triggers-pending
Version: 2.11

"""
UNMET = """Reading package lists...
You might want to run 'apt --fix-broken install' to correct these.
The following packages have unmet dependencies:
 site-tools : Depends: site-lib but it is not installed
"""


class Commands:
    """Answers of a host's commands.

    Args:
        answers: Exit status, output and errors by the command's last word; the others succeed without a word.
    """

    def __init__(self, **answers: tuple[int, str, str]) -> None:
        self._answers = answers

    def __call__(self, command: list[str]) -> tuple[int, str, str]:
        """Answer a command."""
        return self._answers.get(command[-1], (0, "", ""))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give the root of a host that is as it should be."""
    for name in LOCKS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "var/lib/dpkg/status").write_text(STATUS)
    (tmp_path / "var/lib/dpkg/updates").mkdir()
    (tmp_path / "var/lib/apt/lists/deb.example_dists_stable_main_binary-amd64_Packages").touch()
    return tmp_path


@pytest.fixture
def lock_holder(root: Path) -> Iterator[subprocess.Popen[str]]:
    """Give a process that holds dpkg's lock."""
    program = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.lockf(f, fcntl.LOCK_EX); "
        "print('locked', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(root / LOCKS[0])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        yield holder
        holder.kill()


def test_fit_host_has_no_problem(root: Path) -> None:
    """Held packages, and those that wait for a trigger, are none."""
    found = survey(Commands(), root)
    assert problems(found) == []
    assert found["locks"] == []
    assert has_lists(root)
    assert found["held"] == {"haproxy": "", "linux-image": "6.1"}


def test_host_of_another_family_is_surveyed_without_a_word(tmp_path: Path) -> None:
    """That it is not supported is another problem's to say."""
    assert problems(survey(Commands(check=(127, "", "")), tmp_path)) == []


def test_pending_records_are_an_interrupted_dpkg(root: Path) -> None:
    """By their numbers; its temporary file is none."""
    (root / "var/lib/dpkg/updates/tmp.i").touch()
    assert problems(survey(Commands(), root)) == []
    (root / "var/lib/dpkg/updates/0000").touch()
    (problem,) = problems(survey(Commands(), root))
    assert "dpkg was interrupted" in problem["problem"]
    assert "dpkg --configure -a" in problem["remedy"]


@pytest.mark.parametrize("status", ["install ok half-configured", "install ok unpacked", "install reinstreq installed"])
def test_package_that_was_not_finished_is_named(root: Path, status: str) -> None:
    """What it breaks is not a second problem."""
    (root / "var/lib/dpkg/status").write_text(f"Package: site-tools\nStatus: {status}\nVersion: 1\n")
    (problem,) = problems(survey(Commands(check=(100, UNMET, "E: Unmet dependencies.")), root))
    assert "site-tools" in problem["problem"]
    assert "apt-get install --reinstall site-tools" in problem["remedy"]


def test_driver_that_did_not_build_is_a_notice_since_its_role_mends_it(root: Path) -> None:
    """The role gpu_driver puts another one in its place."""
    with (root / "var/lib/dpkg/status").open("a") as status:
        status.write("Package: nvidia-kernel-dkms\nStatus: install ok half-configured\nVersion: 1\n\n")
    found = survey(Commands(), root)
    assert packages_problems(found) == []
    assert packages_notices(found, 300) == ["driver packages are not completely installed: nvidia-kernel-dkms"]


def test_unmet_dependency_is_told_in_apts_words(root: Path) -> None:
    """The line that names both packages, and not apt's advice."""
    (problem,) = problems(survey(Commands(check=(100, UNMET, "E: Unmet dependencies. Try 'apt'")), root))
    assert problem["problem"].endswith("site-tools : Depends: site-lib but it is not installed")


def test_sources_that_apt_cannot_read_are_a_problem(root: Path) -> None:
    """Nothing can be installed there either."""
    (problem,) = problems(survey(Commands(check=(100, "", "E: Malformed entry 1 in list file site.list")), root))
    assert "Malformed entry 1 in list file site.list" in problem["problem"]


@pytest.mark.parametrize(
    ("wanted", "reads"), [(None, True), (["adduser", "haproxy"], True), (["adduser"], False), ([], False)]
)
def test_lists_are_read_while_something_is_missing(root: Path, wanted: list[str] | None, *, reads: bool) -> None:
    """They take longer than all else; unmet dependencies and unreadable sources are told without them too."""
    asked: list[list[str]] = []

    def run(command: list[str]) -> tuple[int, str, str]:
        asked.append(command)
        return 100, "", "E: Malformed entry 1 in list file site.list"

    (problem,) = problems(survey(run, root, wanted))
    assert "Malformed entry" in problem["problem"]
    assert ("Dir::State::Lists=/nonexistent/" not in asked[-1]) is reads
    assert ("Dir::Cache::pkgcache=" not in asked[-1]) is reads


def test_check_that_takes_too_long_says_nothing(root: Path) -> None:
    """The deadline's status is not apt's."""
    assert problems(survey(Commands(check=(124, "", "")), root)) == []


def test_held_package_is_a_problem_where_it_is_to_be_installed(root: Path) -> None:
    """One that is installed is left as it is."""
    found = survey(Commands(), root)
    assert packages_problems(found, ["linux-image", "redis-server"]) == []
    (problem,) = packages_problems(found, ["haproxy"])
    assert "apt-mark unhold haproxy" in problem["remedy"]


def test_holder_of_a_lock_is_named(root: Path, lock_holder: subprocess.Popen[str]) -> None:
    """A process of another's, not this one's own locks."""
    (lock,) = locks(root)
    assert (lock["pid"], lock["path"]) == (lock_holder.pid, "/var/lib/dpkg/lock-frontend")
    (notice,) = packages_notices(survey(Commands(), root), 300)
    assert f"process {lock_holder.pid}" in notice
    assert "300 s" in notice


def test_nothing_is_said_of_packages_that_somebody_is_installing(
    root: Path, lock_holder: subprocess.Popen[str]
) -> None:
    """Records are pending then, and packages half configured, and soon they are not."""
    assert lock_holder.poll() is None
    (root / "var/lib/dpkg/updates/0000").touch()
    (root / "var/lib/dpkg/status").write_text("Package: a\nStatus: install ok unpacked\nVersion: 1\n")
    assert problems(survey(Commands(check=(100, UNMET, "")), root)) == []


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("etc/systemd/system/docker.service.d/http-proxy.conf", 'Environment="HTTPS_PROXY=http://p:1"\n', True),
        ("etc/systemd/system/docker.service.d/limits.conf", "Environment=X=1\n", False),
        ("etc/systemd/system/docker.service.d/alchemorsel-proxy.conf", "Environment=http_proxy=x\n", False),
        ("etc/docker/daemon.json", '{"proxies": {"http-proxy": "http://p:1"}}', True),
        ("etc/docker/daemon.json", "[", False),
    ],
)
def test_proxy_of_the_site_is_found(root: Path, path: str, text: str, *, expected: bool) -> None:
    """Wherever Docker reads one from; ours does not count."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
    assert engine_has_proxy(root) is expected


def test_lists_of_no_source_are_empty_lists(root: Path) -> None:
    """Lock and stamp are not what counts."""
    for path in (root / "var/lib/apt/lists").glob("*_Packages"):
        path.unlink()
    found: dict[str, Any] = survey(Commands(), root)
    assert not has_lists(root)
    assert problems(found) == []
