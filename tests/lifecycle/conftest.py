"""What the tests of a site's life share: playbooks, run as an operator runs them.

They change the hosts, so they run on throw-away ones only (`make test-site`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hosts.conftest import variables

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["variables"]

_ROOT = Path(__file__).resolve().parents[2]
_PLAY_TIMEOUT_S = 400


@pytest.fixture
def play(request: pytest.FixtureRequest) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a playbook on the hosts under test; what it prints, standard error included, is `stdout`."""
    inventory = request.config.getoption("--ansible-inventory")

    def run(playbook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            playbook,
            f"--inventory={inventory}",
            "--diff",
        ]
        return subprocess.run(
            [*command, *arguments],
            cwd=_ROOT,
            env={**os.environ, "ANSIBLE_CONFIG": str(_ROOT / "ansible.cfg")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PLAY_TIMEOUT_S,
            check=False,
        )

    return run
