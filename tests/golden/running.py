"""The real service program for golden files, on a free port, and the environment that keeps output equal everywhere."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.integration.service.program import ROOT, Program

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ENVIRONMENT", "ROOT", "program", "temporary_file"]

# Wide, so that no version of argparse breaks a line where another does not.
ENVIRONMENT = {"PATH": os.environ["PATH"], "COLUMNS": "400", "NO_COLOR": "1", "TERM": "dumb", "LC_ALL": "C.UTF-8"}
NOWHERE = "http://127.0.0.1:9"


def program(**settings: str) -> Program:
    """Return the service, not started yet; without other settings the mock answers."""
    return Program(**{"AI_PROVIDER": "mock", "OLLAMA_HOST": NOWHERE, **settings})


@contextmanager
def temporary_file(text: str) -> Iterator[str]:
    """Keep a text in a file while the context lasts; yields its path."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_text(text)
        yield str(file)
