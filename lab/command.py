"""Running programs with a deadline and an error text that shows what they said."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from lab.errors import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TAIL_LINES = 15


def run(argv: Sequence[str], *, timeout_s: float, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a program and return its standard output.

    Args:
        argv: program and arguments; never a shell string.
        timeout_s: seconds before it is killed.
        env: its whole environment; the caller's where None.
        cwd: its working directory.

    Raises:
        CommandFailedError: not found, a non-zero exit, or the deadline.
    """
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout_s, env=env, cwd=cwd, check=False)
    except FileNotFoundError as error:
        raise CommandFailedError(f"{argv[0]}: not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailedError(f"{' '.join(argv[:3])} …: not finished after {timeout_s:.0f} s") from error
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_TAIL_LINES:])
        raise CommandFailedError(f"{' '.join(argv[:3])} …: exit status {done.returncode}\n{tail}")
    return done.stdout
