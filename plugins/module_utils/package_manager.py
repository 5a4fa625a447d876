"""Installation and removal of packages by apt-get, as soon as nobody else holds its locks.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import contextlib
import re
import time
from fnmatch import fnmatch
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.alchemorsel.ai.plugins.module_utils import survey_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    Run = Callable[[list[str]], tuple[int, str, str]]

PAUSE_SECONDS = 2.0
OPTIONS = (
    "--yes",
    "--quiet",
    "--no-install-recommends",
    # Settings that somebody changed stay as they are.
    *("--option", "Dpkg::Options::=--force-confdef"),
    *("--option", "Dpkg::Options::=--force-confold"),
)
LOCKED = re.compile(r"Could not get lock|Unable to (acquire|lock)|dpkg frontend lock")
"""Somebody was quicker. apt-get itself waits for dpkg's locks only, not for those of lists and archives."""
UNKNOWN = re.compile(r"Unable to locate|no installation candidate|was not found|Failed to fetch|Unable to fetch")
"""What newer lists may mend: packages that they do not know, and files that the archive no longer has."""
POLICY = "#!/bin/sh\n# Written while packages of alchemorsel are installed: their units are not started.\nexit 101\n"


class PackageError(Exception):
    """apt-get cannot do what it is told; the message says why."""


class LockedError(PackageError):
    """Somebody holds the locks of the package manager for too long."""


class Changes(NamedTuple):
    """Versions by package, before and after; a package that is not installed has none."""

    before: dict[str, str]
    after: dict[str, str]


class PackageManager:
    """apt-get of a host.

    Args:
        run: Runs a command; returns exit status, output and errors.
        root: Root of the file system; tests pass one of their own.
        wait_seconds: How long to wait for locks that others hold.
        pause: Waits for some seconds.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        run: Run,
        root: Path,
        wait_seconds: float,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.run = run
        self._root = root
        self._wait_seconds = wait_seconds
        self._pause = pause
        self._clock = clock
        self.waited_for: list[str] = []

    def missing(self, names: Sequence[str]) -> list[str]:
        """Return those packages that are not installed, or not in the version that is asked for.

        Args:
            names: As apt takes them, with ``=version`` where one is wanted, which may have a wildcard.
        """
        versions = self._versions()
        return [name for name in names if not _is_there(name, versions)]

    def present(self, names: Sequence[str], *, purges: bool = False) -> list[str]:
        """Return those packages that there is something to remove of.

        Args:
            names: Packages.
            purges: Whether the configuration of removed packages counts.
        """
        known = survey_packages.packages(self._root)
        gone = {"not-installed"} if purges else {"not-installed", "config-files"}
        return [name for name in names if name in known and known[name].state not in gone]

    def apply(
        self, command: str, names: Sequence[str], flags: Sequence[str], *, keeps_stopped: bool = False
    ) -> Changes:
        """Install or remove packages, and return what that changed.

        Raises:
            PackageError: apt-get refuses, or somebody holds its locks for too long.
        """
        self.wait()
        if self.waited_for:
            self.assert_healthy(names)  # whoever it was may have been cut off
        before = self._versions()
        # Not before the wait: units of packages that somebody else installs are to be started.
        with self._units_kept_stopped() if keeps_stopped else contextlib.nullcontext():
            self._execute([*flags, command, *names])
        after = self._versions()
        changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        return Changes(*({name: side[name] for name in sorted(changed) if name in side} for side in (before, after)))

    def update(self) -> str:
        """Download the lists of packages, and return what went wrong with some of them; nothing where all came.

        A source that does not answer is no failure: the package may come from another one.

        Raises:
            LockedError: Somebody holds the lock for too long.
        """
        try:
            return explain("", self.refresh())
        except LockedError:
            raise
        except PackageError as error:
            return str(error)

    def refresh(self) -> str:
        """Download the lists of packages, and return what apt-get warns of.

        Raises:
            PackageError: A source is refused, or somebody holds the lock for too long.
        """
        return self._execute(["update"])[1]

    def lists_are_older_than(self, seconds: float) -> bool:
        """Return whether the lists are missing, or were downloaded longer ago than that."""
        if not survey_packages.has_lists(self._root):
            return True
        places = ("var/lib/apt/periodic/update-success-stamp", "var/lib/apt/lists")
        return max(_modified(self._root / place) for place in places) + seconds < time.time()

    def wait(self) -> None:
        """Wait until nobody holds a lock of apt or dpkg.

        Raises:
            LockedError: Somebody holds one for too long; it names who.
        """
        deadline = self._clock() + self._wait_seconds
        while found := survey_packages.locks(self._root):
            for name in map(survey_packages.holder, found):
                if name not in self.waited_for:
                    self.waited_for.append(name)
            if self._clock() >= deadline:
                raise LockedError(
                    f"the package manager is locked for more than {self._wait_seconds:g} s by "
                    f"{', '.join(map(survey_packages.holder, found))}: wait for its end, or stop it, and run this again"
                )
            self._pause(PAUSE_SECONDS)

    @contextlib.contextmanager
    def _units_kept_stopped(self) -> Iterator[None]:
        """Keep packages from starting their units; a policy of somebody's is back afterwards."""
        policy, kept = (self._root / "usr/sbin" / name for name in ("policy-rc.d", "policy-rc.d.alchemorsel-kept"))
        # What an installation that was cut off left behind is no policy of somebody's.
        if policy.exists() and policy.read_text(encoding="utf-8", errors="replace") != POLICY:
            policy.replace(kept)
        policy.write_text(POLICY, encoding="utf-8")
        policy.chmod(0o755)
        try:
            yield
        finally:
            if kept.exists():
                kept.replace(policy)
            else:
                policy.unlink(missing_ok=True)

    def assert_healthy(self, names: Sequence[str]) -> None:
        """Refuse a host whose packages only an operator can mend.

        Args:
            names: Packages that are about to be installed or removed.

        Raises:
            PackageError: It says what is wrong and how to mend it.
        """
        told = survey_packages.problems(
            survey_packages.survey(self.run, self._root), [name.partition("=")[0] for name in names]
        )
        if told:
            raise PackageError(". ".join(f"{each['problem']}: {each['remedy']}" for each in told))

    def _execute(self, arguments: Sequence[str]) -> tuple[str, str]:
        deadline = self._clock() + self._wait_seconds
        command = ["apt-get", *OPTIONS, "--option", f"DPkg::Lock::Timeout={self._wait_seconds:g}", *arguments]
        while True:
            self.wait()
            code, output, errors = self.run(command)
            if code == 0:
                return output, errors
            if not LOCKED.search(errors) or self._clock() >= deadline:
                raise PackageError(explain(output, errors))
            self._pause(PAUSE_SECONDS)

    def _versions(self) -> dict[str, str]:
        known = survey_packages.packages(self._root)
        return {name: package.version for name, package in known.items() if package.state == "installed"}


def explain(output: str, errors: str) -> str:
    """Return why apt-get refused, from what it printed under LC_ALL=C."""
    held = re.search(r"^The following held packages will be changed:\n((?:  .*\n)+)", output, re.MULTILINE)
    if held and "Held packages were changed" in errors:
        return held_back(held[1].split())
    unmet = [line.strip() for line in output.splitlines() if re.match(r"\s+\S+ : ", line)]
    lines = [line[2:].strip() for line in errors.splitlines() if line.startswith(("E:", "W:"))]
    lines += [line for line in errors.splitlines() if line.startswith("dpkg: error")]
    return "; ".join(dict.fromkeys(unmet + lines)) or errors.strip()


def held_back(names: Sequence[str]) -> str:
    """Return why nothing is done with held packages, and the way out."""
    return (
        f"packages that apt is told to hold back would change: run `apt-mark unhold {' '.join(names)}`, and this again"
    )


def _is_there(name: str, versions: dict[str, str]) -> bool:
    bare, _equals, version = name.partition("=")
    return bare in versions and (not version or fnmatch(versions[bare], version))


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
