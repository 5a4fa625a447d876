"""What the tests of a site's life share: playbooks, run as an operator runs them.

They change the hosts, so they run on throw-away ones only (`make scenario SCENARIO=site-life`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hosts.conftest import variables
from tests.lifecycle.steady import SteadyRequests

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables

__all__ = ["variables"]

Play = Callable[..., subprocess.CompletedProcess[str]]
Begin = Callable[..., "subprocess.Popen[str]"]

_ROOT = Path(__file__).resolve().parents[2]
SOURCE = _ROOT / "ai_service"
_PLAY_TIMEOUT_S = 900


@pytest.fixture
def begin(request: pytest.FixtureRequest, tmp_path: Path) -> Begin:
    """Begins a playbook on the hosts under test, over connections of its own; errors are among what it prints."""
    inventory = request.config.getoption("--ansible-inventory")

    def start(playbook: str, *arguments: str) -> subprocess.Popen[str]:
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        return subprocess.Popen(
            [program, playbook, f"--inventory={inventory}", "--diff", *arguments],
            cwd=_ROOT,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(_ROOT / "ansible.cfg"),
                "ANSIBLE_SSH_CONTROL_PATH_DIR": str(tmp_path),
                "ANSIBLE_FORCE_COLOR": "0",  # molecule wants colours, which would stand between the words
                "PYTHONUNBUFFERED": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


@pytest.fixture
def play(begin: Begin) -> Play:
    """Give a function for running a playbook on the hosts under test; its `stdout` includes standard error."""

    def run(playbook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        with begin(playbook, *arguments) as running:
            try:
                told, _ = running.communicate(timeout=_PLAY_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                running.kill()
                raise
        return subprocess.CompletedProcess(running.args, running.returncode, told)

    return run


@pytest.fixture
def callers(host: Host, variables: Variables) -> Callable[[], SteadyRequests]:
    """Give a function that makes callers from outside of the host; they ask once, from entry to exit."""
    address = host.ansible.get_variables()["ansible_host"]
    return lambda: SteadyRequests(address, variables("ai_service")["ai_service_port"])


@pytest.fixture
def steady(callers: Callable[[], SteadyRequests]) -> SteadyRequests:
    """Callers from outside of the host."""
    return callers()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Copy the service's source, to be changed, and what its wheel is built by."""
    copied = tmp_path / "ai_service"
    shutil.copytree(SOURCE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(_ROOT / "pyproject.toml", tmp_path)
    return copied


@pytest.fixture
def newer_source(source: Path) -> Path:
    """Give the copied source a later version."""
    package = source / "__init__.py"
    package.write_text(package.read_text().replace('__version__ = "', '__version__ = "9.'))
    return source
