"""Aliases of the commands that maintainers find in `tools.perf` since 0.2.0; they are removed in 0.3.0."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = ("peers", "budgets", "overhead")
_ROOT = Path(__file__).resolve().parent.parent


def describe(name: str) -> str:
    """Return the help of an alias."""
    return f"deprecated, removed in 0.3.0: use `python -m tools.perf {name}`"


def run(words: Sequence[str], root: Path = _ROOT) -> int:
    """Replace this process by the command in `tools.perf`, after a line on stderr that names it.

    Args:
        words: The command and its arguments.
        root: The folder that `bench` lies in: a checkout has `tools` there too.

    Raises:
        UsageError: There is no checkout.
    """
    new = f"`python -m tools.perf {words[0]}`"
    if not (root / "tools" / "perf" / "__main__.py").is_file():
        raise UsageError(f"`bench {words[0]}` is now {new}, which needs a checkout of the repository")
    sys.stderr.write(f"bench: `bench {words[0]}` is deprecated and will be removed in 0.3.0: use {new}\n")
    sys.stderr.flush()
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    os.execve(sys.executable, [sys.executable, "-m", "tools.perf", *words], environment)  # noqa: S606 - no shell wanted
