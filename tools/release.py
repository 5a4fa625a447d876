"""`make release`: what has to hold before a version is built, and what is written beside its files."""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
SUMS, NOTES = "SHA256SUMS", "RELEASE_NOTES.md"
GIT_S = 60
_VERSION = re.compile(r'^__version__ = "(\d+\.\d+\.\d+)"$', re.MULTILINE)
_SECTION = re.compile(r"^## \[([^\]]+)\](?: - (\S+))?\n(.*?)(?=^## \[|\Z)", re.MULTILINE | re.DOTALL)


class ReleaseError(Exception):
    """Why there is no release, a line each."""


def version(root: Path = ROOT) -> str:
    """Return the version, which `ai_service/__init__.py` states.

    Raises:
        ReleaseError: It states none of the form 1.2.3.
    """
    found = _VERSION.search((root / "ai_service/__init__.py").read_text(encoding="utf-8"))
    if found is None:
        raise ReleaseError("ai_service/__init__.py: __version__ is not of the form 1.2.3.")
    return found[1]


def sections(root: Path = ROOT) -> dict[str, tuple[str, str]]:
    """Return the changelog's sections by version, newest first: the date, "" where there is none, and the text."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    return {name: (day, body.strip()) for name, day, body in _SECTION.findall(text)}


def require_releasable(root: Path = ROOT) -> None:
    """Require that the working tree is what is released, and that it says so.

    Raises:
        ReleaseError: With everything that is in the way.
    """
    problems = [*_uncommitted(root), *mismatches(root)]
    if problems:
        raise ReleaseError("\n".join(problems))


def mismatches(root: Path = ROOT) -> list[str]:
    """Return where collection and changelog differ from the version."""
    own = version(root)
    problems = []
    galaxy = str(yaml.safe_load((root / "galaxy.yml").read_text(encoding="utf-8"))["version"])
    if galaxy != own:
        problems.append(f"galaxy.yml: version {galaxy}, but ai_service/__init__.py says {own}.")
    found = sections(root)
    if found.get("Unreleased", ("", ""))[1]:
        problems.append(f"CHANGELOG.md: [Unreleased] is not empty. Move its lines below [{own}], or raise the version.")
    newest = next((name for name in found if name != "Unreleased"), "none")
    if newest != own:
        problems.append(f"CHANGELOG.md: the newest release is {newest}, not {own}.")
    elif not _is_date(found[own][0]):
        problems.append(f"CHANGELOG.md: [{own}] has no date: ## [{own}] - YYYY-MM-DD.")
    elif not found[own][1]:
        problems.append(f"CHANGELOG.md: [{own}] is empty.")
    return problems


def write_sums(dist: Path, own: str, notes: str) -> list[Path]:
    """Write checksums and notes beside the files of a release.

    Args:
        dist: The folder.
        own: The version.
        notes: Its section of the changelog.

    Returns:
        The release's files: wheel and collection.

    Raises:
        ReleaseError: One of them is missing.
    """
    files = [dist / f"alchemorsel_ai-{own}-py3-none-any.whl", dist / f"alchemorsel-ai-{own}.tar.gz"]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise ReleaseError(f"Not built: {', '.join(missing)}.")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (dist / SUMS).write_text("".join(lines), encoding="utf-8")
    (dist / NOTES).write_text(f"# Alchemorsel AI infrastructure {own}\n\n{notes}\n", encoding="utf-8")
    return files


def _uncommitted(root: Path) -> list[str]:
    command = ["git", "status", "--porcelain"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=GIT_S, check=False)
    if done.returncode:
        return [f"Not a git checkout: {done.stderr.strip()}"]
    files = [line[3:] for line in done.stdout.splitlines()]
    if not files:
        return []
    more = f" and {len(files) - 5} more" if len(files) > 5 else ""
    return [f"The working tree has changes that are not committed: {', '.join(files[:5])}{more}. Commit or stash them."]


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def main(arguments: list[str] | None = None) -> int:
    """Run one half of `make release`."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    parser.add_argument("step", choices=["check", "finish"], help="check: before the build; finish: after it")
    step = parser.parse_args(arguments).step
    try:
        if step == "check":
            require_releasable()
            sys.stdout.write(f"Release {version()}\n")
        else:
            own = version()
            files = write_sums(ROOT / "dist", own, sections()[own][1])
            shown = "\n".join(f"  dist/{name}" for name in [*(file.name for file in files), SUMS, NOTES])
            sys.stdout.write(f"{shown}\nTag the commit: git tag --annotate v{own} --message 'Release {own}'\n")
    except ReleaseError as error:
        sys.stderr.write(f"No release:\n{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
