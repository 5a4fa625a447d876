"""What an upgrade from former revisions needs of the tests of a site's life."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.hosts.conftest import variables
from tests.lifecycle.conftest import begin, play

__all__ = ["begin", "play", "variables"]

OF_ANOTHER_REVISION = os.environ.get("FORMER_REVISION", "")
"""Set, it has the scenario provision the host from another revision than the one of the inventory."""


def has_edge() -> bool:
    """Tell whether that other revision served through an edge already."""
    role = f"{OF_ANOTHER_REVISION}:roles/load_balancer/tasks/main.yml"
    found = subprocess.run(["git", "cat-file", "-e", role], cwd=Path(__file__).parent, capture_output=True, check=False)
    return found.returncode == 0
