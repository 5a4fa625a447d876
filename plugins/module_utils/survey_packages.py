"""Package manager of a host: locks, an interrupted dpkg, broken and held packages, lists, proxies; reads only.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.alchemorsel.ai.plugins.module_utils.docker_daemon import BadConfigError, read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    Run = Callable[[list[str]], tuple[int, str, str]]

LOCKS = (
    "var/lib/dpkg/lock-frontend",
    "var/lib/dpkg/lock",
    "var/lib/apt/lists/lock",
    "var/cache/apt/archives/lock",
)
FLOCK = "hhqqi"
"""The C structure flock of 64-bit Linux: type, whence, start, length, process."""
UNFINISHED = {"half-installed", "unpacked", "half-configured"}
"""States in which a package does not work; packages that wait for a trigger do."""
WITHOUT_LISTS = ("Dir::State::Lists=/nonexistent/", "Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=")
"""Options of apt: sources and dpkg's database are read, and apt's cache of the whole is left alone."""
PROXY = re.compile(r"^\s*Environment=.*\bhttps?_proxy=", re.IGNORECASE | re.MULTILINE)


class Package(NamedTuple):
    """A package as dpkg's database has it."""

    version: str
    wanted: str
    flag: str
    state: str


def survey(run: Run, root: Path, wanted: Sequence[str] | None = None) -> dict[str, Any]:
    """Return what the host has of the package manager.

    While somebody holds a lock, packages are between two states, so nothing is said about them.

    Args:
        run: Runs a command within a deadline; returns exit status, output and errors.
        root: Root of the file system; tests pass one of their own.
        wanted: Packages that the host needs; None where they are not known. While all are installed, nothing is going
            to be read from the lists of packages.

    Returns:
        ``locks``, each with ``path``, ``pid`` and ``program``; ``interrupted``, names of dpkg's pending records;
        ``unfinished`` packages; ``broken``, what apt says of dependencies and sources; ``held``, versions by package,
        empty where it is not installed.
    """
    known = packages(root)
    held_by = locks(root)
    at_rest = not held_by
    return {
        "locks": held_by,
        "interrupted": pending(root) if at_rest else [],
        "unfinished": unfinished(known) if at_rest else [],
        "broken": broken(run, reads_lists=not _are_installed(wanted, known)) if at_rest and known else [],
        "held": {
            name: package.version if package.state == "installed" else ""
            for name, package in known.items()
            if package.wanted == "hold"
        },
    }


def locks(root: Path) -> list[dict[str, Any]]:
    """Return who holds which of the locks of apt and dpkg; one entry a process."""
    holders: dict[int, dict[str, Any]] = {}
    for name in LOCKS:
        pid = _holder(root / name)
        if pid is not None:
            holders.setdefault(pid, {"path": f"/{name}", "pid": pid, "program": _program(pid)})
    return list(holders.values())


def _holder(path: Path) -> int | None:
    """Return the process that locks a file; 0 where the kernel does not tell, None where nobody does."""
    try:
        with path.open("rb") as file:
            question = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _whence, _start, _length, pid = struct.unpack(FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, question))
    except OSError:
        return None
    # A process of another namespace is 0, and a lock of an open file has no process: -1.
    return None if kind == fcntl.F_UNLCK else max(pid, 0)


def _program(pid: int) -> str:
    """Return how an operator calls a process: the script where an interpreter runs one."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
    except OSError:
        return ""
    names = [os.path.basename(word) for word in words[:2]]  # noqa: PTH119 - a word, which need not be a path
    is_script = names[0].startswith(("python", "perl")) and len(words) > 1 and words[1].startswith("/")
    return names[1] if is_script else names[0]


def packages(root: Path) -> dict[str, Package]:
    """Return all packages that dpkg has a record of, by name."""
    try:
        text = (root / "var/lib/dpkg/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    return dict(_records(text))


def _records(text: str) -> Iterator[tuple[str, Package]]:
    for record in text.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Status|Version): (.*)$", record, re.MULTILINE))
        words = fields.get("Status", "").split()
        if "Package" in fields and len(words) == 3:
            yield fields["Package"], Package(fields.get("Version", ""), *words)


def pending(root: Path) -> list[str]:
    """Return the records that an interrupted dpkg has not put into its database."""
    folder = root / "var/lib/dpkg/updates"
    return sorted(entry.name for entry in folder.iterdir() if entry.name.isdigit()) if folder.is_dir() else []


def unfinished(known: Mapping[str, Package]) -> list[str]:
    """Return packages whose installation or removal did not come to its end."""
    return sorted(name for name, package in known.items() if package.state in UNFINISHED or package.flag == "reinstreq")


def _are_installed(wanted: Sequence[str] | None, known: Mapping[str, Package]) -> bool:
    return wanted is not None and all(name in known and known[name].state == "installed" for name in wanted)


def broken(run: Run, *, reads_lists: bool = True) -> list[str]:
    """Return what apt says of unmet dependencies, or else of its sources and settings; nothing where all is well.

    Args:
        run: As for `survey`.
        reads_lists: Whether damaged lists of packages count; to read them takes more than all else.
    """
    # Without its lock: only a look, which need not wait and keeps nobody waiting.
    options = ["Debug::NoLocking=true", *([] if reads_lists else WITHOUT_LISTS)]
    code, output, errors = run(["apt-get", *(word for option in options for word in ("--option", option)), "check"])
    if code == 0:
        return []
    unmet = [line.strip() for line in output.splitlines() if re.match(r"\s+\S+ : ", line)]
    said = [line.partition(":")[2].strip() for line in errors.splitlines() if line.startswith("E:")]
    # 124: it did not end within its deadline, which says nothing about packages.
    return unmet or said or ([f"apt-get check ends with status {code}"] if code not in (124, 127) else [])


def has_lists(root: Path) -> bool:
    """Return whether apt has a list of any source's packages."""
    folder = root / "var/lib/apt/lists"
    return folder.is_dir() and any("_Packages" in entry.name for entry in folder.iterdir())


def engine_has_proxy(root: Path) -> bool:
    """Return whether the site has given Docker Engine a proxy, by a file other than ours."""
    folder = root / "etc/systemd/system/docker.service.d"
    texts = [
        path.read_text(encoding="utf-8", errors="replace")
        for path in sorted(folder.glob("*.conf"))
        if not path.name.startswith("alchemorsel-")
    ]
    return any(PROXY.search(text) for text in texts) or bool(_engine_settings(root).get("proxies"))


def _engine_settings(root: Path) -> dict[str, Any]:
    """Return what daemon.json holds; nothing where it cannot be read, which is the role docker's to report."""
    try:
        return read_object(root / "etc/docker/daemon.json")
    except (OSError, ValueError, BadConfigError):
        return {}


def problems(found: Mapping[str, Any], mended: Iterable[str] = ()) -> list[dict[str, str]]:
    """Return what only an operator can mend before packages can be installed, each with the way out.

    Args:
        found: What :func:`survey` returned.
        mended: Shell patterns of packages that are about to be installed again or removed, which mends them: a driver
            that did not build for the kernel is left half configured, and another one takes its place.
    """
    told = []
    patterns = list(mended)
    unfinished = [name for name in found["unfinished"] if not any(fnmatch(name, pattern) for pattern in patterns)]
    if found["interrupted"]:
        told.append(
            {
                "problem": "dpkg was interrupted (it left records in /var/lib/dpkg/updates)",
                "remedy": "run `dpkg --configure -a` on the host, then this again",
            }
        )
    if unfinished:
        told.append(
            {
                "problem": f"packages are not completely installed: {', '.join(unfinished)}",
                "remedy": "run `dpkg --configure -a` on the host; where that fails, "
                f"`apt-get install --reinstall {unfinished[0]}`",
            }
        )
    # What is not completely installed breaks dependencies too, and is one problem, not two.
    elif found["broken"] and not found["unfinished"]:
        told.append(
            {
                "problem": f"apt cannot install anything: {'; '.join(found['broken'])}",
                "remedy": "run `apt-get check` on the host, and `apt-get --fix-broken install` for unmet dependencies",
            }
        )
    return told


def holder(lock: Mapping[str, Any]) -> str:
    """Return who holds a lock, in words."""
    if not lock["pid"]:
        return f"another process ({lock['path']})"
    return f"{lock['program'] or 'a process'} (process {lock['pid']}, {lock['path']})"
