"""Commands that moved to `tools.perf` go on under their old names, and say so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import moved
from bench.errors import UsageError

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", moved.COMMANDS)
def test_an_alias_runs_the_command_in_tools_with_the_same_arguments(name: str, tmp_path: Path) -> None:
    """From any working directory; one line on stderr names the new command and the release in which the alias goes."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", name, "--help"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    new = f"python -m tools.perf {name}"
    assert done.stderr == f"bench: `bench {name}` is deprecated and will be removed in 0.3.0: use `{new}`\n"
    assert done.stdout.startswith(f"usage: {new} ")
    assert done.returncode == 0


def test_an_alias_without_a_checkout_names_what_it_needs(tmp_path: Path) -> None:
    """An installed benchmark has no tools beside it."""
    with pytest.raises(UsageError, match=r"`bench peers` is now `python -m tools\.perf peers`, which needs a checkout"):
        moved.run(["peers"], tmp_path)
