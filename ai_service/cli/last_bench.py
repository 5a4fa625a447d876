"""The last benchmark of a host, as `alchemorsel bench` left it there or in the checkout."""

from __future__ import annotations

import shlex
import subprocess
from datetime import datetime  # noqa: TC003 - msgspec reads the types of fields
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_service.cli.site import Site

NAME = "result.json"
"""What `python -m bench run` calls its result."""
REPORTS = Path("reports")
SSH_S = 15


class Latency(msgspec.Struct, frozen=True):
    """Of one task by one way, in milliseconds."""

    p95_ms: float


class TaskResult(msgspec.Struct, frozen=True):
    """One task; None where nothing was counted."""

    task: str
    uncached: Latency | None
    cached: Latency | None
    verdict: str


class Bench(msgspec.Struct, frozen=True):
    """What is shown of a result; the rest of the file is the benchmark's own.

    Attributes:
        target: URL of the API that was measured.
        profile: Name of the profile.
        started_at: UTC.
        verdict: PASS, FAIL, INCONCLUSIVE or INVALID.
        tasks: By task.
    """

    target: str
    profile: str
    started_at: Annotated[datetime, msgspec.Meta(tz=True)]
    verdict: str
    tasks: list[TaskResult]


_decode = msgspec.json.Decoder(Bench).decode


def last(site: Site, reports: Path = REPORTS) -> Bench | None:
    """Return the newest benchmark kept on this host or among a checkout's reports on this API, or None."""
    return max(_found(site, reports), key=lambda bench: bench.started_at, default=None)


def keep_on(host: str, ssh_config: str, path: str, folder: Path, *, ssh: str = "ssh") -> str:
    """Copy a run's result to a host, to the path read by the command.

    Args:
        host: As `ssh` reaches it.
        ssh_config: OpenSSH configuration; "" for the user's own.
        path: The file there.
        folder: Of the run.
        ssh: The program.

    Returns:
        Why it is not there now; "" where it is.
    """
    new, there = shlex.quote(f"{path}.new"), shlex.quote(path)
    script = f"umask 022; mkdir -p {shlex.quote(str(Path(path).parent))} && cat > {new} && mv {new} {there}"
    command = [ssh, *(["-F", ssh_config] if ssh_config else []), "-o", "BatchMode=yes", host, "--", script]
    try:
        done = subprocess.run(
            command, input=(folder / NAME).read_bytes(), capture_output=True, timeout=SSH_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"


def _found(site: Site, reports: Path) -> Iterator[Bench]:
    if kept := _read(Path(site.bench_result)):
        yield kept
    newest_first = sorted(reports.glob(f"bench-*/{NAME}"), reverse=True)
    yield from islice((bench for path in newest_first if (bench := _read(path)) and bench.target == site.api_url), 1)


def _read(path: Path) -> Bench | None:
    try:
        return _decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
