"""Runs the shell scripts of roles as their tasks do: given to `sh` on standard input."""

from __future__ import annotations

import os
import subprocess

from tests.roles.ansible_module import DEADLINE_SECONDS, ROLES


def run_script(role: str, names: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script to its end.

    Args:
        role: The role whose `files` holds the script.
        names: The script; before it, with a space between, those that define what it calls.
        arguments: Its arguments.
        environment: What it reads from the environment.
    """
    return subprocess.run(
        ["sh", "-s", *arguments],
        input="\n".join((ROLES / role / "files" / name).read_text() for name in names.split()),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
