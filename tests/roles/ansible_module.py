"""Runs a role's module the way Ansible does: as a program of its own, with its parameters on standard input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROLES = Path(__file__).parents[2] / "roles"
DEADLINE_SECONDS = 60


def run_module(role: str, name: str, *, check_mode: bool = False, **params: Any) -> dict[str, Any]:
    """Run a module to its end and return its result, `failed` included where it failed.

    Args:
        role: The role whose `library` holds the module.
        name: The module.
        check_mode: Whether to run it in check mode.
        params: The module's parameters.
    """
    arguments = {"ANSIBLE_MODULE_ARGS": {**params, "_ansible_check_mode": check_mode, "_ansible_diff": True}}
    finished = subprocess.run(
        [sys.executable, str(ROLES / role / "library" / f"{name}.py")],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert finished.stdout, finished.stderr
    result: dict[str, Any] = json.loads(finished.stdout)
    return result
