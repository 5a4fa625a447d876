"""Molecule, a process for each scenario."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.command import follow
from lab.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.scenarios.matrix import Job

_BIN = Path(sys.executable).parent
_TEST_DEADLINE_S = 3600
"""The longest scenario takes a quarter of it on two cores that do nothing else."""
_DESTROY_DEADLINE_S = 300


class Molecule:
    """Runs scenarios of this checkout with the programs of its virtual environment."""

    def test(self, job: Job, on_line: Callable[[str], None]) -> int:
        """`molecule test`; returns its exit status.

        Raises:
            CommandTimeoutError: it took longer than an hour and was ended.
            CommandFailedError: molecule is not installed.
        """
        return self._run("test", job, on_line, _TEST_DEADLINE_S)

    def destroy(self, job: Job, on_line: Callable[[str], None]) -> int:
        """Remove the hosts that a run left behind; returns the exit status.

        Raises:
            CommandTimeoutError: it took longer than five minutes and was ended.
            CommandFailedError: molecule is not installed.
        """
        return self._run("destroy", job, on_line, _DESTROY_DEADLINE_S)

    def _run(self, command: str, job: Job, on_line: Callable[[str], None], timeout_s: float) -> int:
        argv = [str(_BIN / "molecule"), command, "--no-command-borders", "--scenario-name", job.scenario]
        # Programs of the virtual environment before those of the system; a line when it is printed, not a block later.
        env = os.environ | {"PATH": f"{_BIN}:{os.environ['PATH']}", "LAB_SUITE": job.suite, "PYTHONUNBUFFERED": "1"}
        return follow(argv, on_line, timeout_s=timeout_s, env=env, cwd=ROOT)
