"""Writes recordings of the service: ``python -m tools.docs.example_service [NAME ...]``, all of them without a name.

Each takes 10 to 60 seconds, `long-answer` ten minutes; they need `redis-server` and what `python -m lab parts` brings.
One that does not show what it claims is not written, and the exit status is 1.
"""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.errors import BenchError
from lab.command import run
from lab.errors import LabError
from lab.paths import ROOT
from lab.progress import console, step
from tools.docs.chosen_names import chosen_names
from tools.docs.example_service.claims import CLAIMS, ClaimError, check
from tools.docs.example_service.recordings import RECORDINGS

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "docs" / "examples"

_GIT_S = 60
_RUN_FROM = (".", ":!docs/examples", ":!*.md")
"""Pages and recordings change nothing of what runs."""


def main(arguments: list[str]) -> int:
    """Make the recordings that are asked for.

    Args:
        arguments: Of the command line.

    Returns:
        Exit status.
    """
    names = chosen_names(
        arguments, RECORDINGS, program="python -m tools.docs.example_service", kind="recording", about=__doc__
    )
    try:
        revision = committed_revision(ROOT)
    except LabError as error:
        console.print(str(error), markup=False)
        return 1
    status = 0
    for name in names:
        try:
            with step(f"recording {name}"):
                text = RECORDINGS[name]()
                check(name, text)
        except (BenchError, ClaimError, LabError) as error:
            console.print(f"{name} is not written: {error}", markup=False)
            status = 1
        else:
            (FOLDER / f"service-{name}.txt").write_text(f"{head(name, revision)}\n{text}", encoding="utf-8")
    return status


def committed_revision(root: Path) -> str:
    """Return the short name of the commit that is checked out.

    Args:
        root: The checkout.

    Raises:
        LabError: The files are others, so that nobody could make the same recordings again; or git cannot be asked.
    """
    changed = run(["git", "status", "--porcelain", "--", *_RUN_FROM], timeout_s=_GIT_S, cwd=root)
    if changed:
        raise LabError(f"these files are not those of a commit; commit or remove them first:\n{changed.rstrip()}")
    return run(["git", "rev-parse", "--short", "HEAD"], timeout_s=_GIT_S, cwd=root).strip()


def head(name: str, revision: str) -> str:
    """Build the header of a recording: its origin and its claims.

    Args:
        name: Of the recording.
        revision: The commit that ran.
    """
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, by `python -m tools.docs.example_service {name}`"
    python = f"Python {platform.python_version()}"
    return "\n".join(
        [
            f"# {TITLES[name]}",
            f"# Revision {revision}, {made}; {python}.",
            "# Ports and names of files are written as the usual ones. Times are of a machine that others shared,",
            "# texts of the lab's small base model: they say nothing about yours. Checked when this was made:",
            *(f"# - {claim.says}" for claim in CLAIMS[name]),
        ]
    )


TITLES = {
    "herd": "A hundred people ask for the same new recipe at the same moment",
    "redis-killed": "kill -9 of Redis during 200 requests a second",
    "openai-client": "The official `openai` client against the service",
    "stream": "Streams, as `curl -N` shows them",
    "honest": "What once got an answer that was not what it seemed",
    "long-answer": "Two minutes of text, where five seconds of silence are a fault",
}
"""First lines, by name."""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
