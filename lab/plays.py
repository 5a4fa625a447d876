"""Playbooks against lab hosts, as an operator runs them: run to their end, or killed as by a loss of power."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from lab.paths import HOST_VARS, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SITE = "site.yml"
DEADLINE_S = 900.0
_POLL_S = 0.1
_GROUPS = ("ollama_hosts", "redis_hosts", "ai_service_hosts", "web_hosts")


def descendants(pid: int) -> list[int]:
    """Return a process and all that it has started: Ansible's workers are in sessions of their own."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found, ahead = [], [pid]
    while ahead:
        found.append(ahead.pop())
        ahead += children.get(found[-1], [])
    return found


def kill_all(pid: int) -> None:
    """Kill a process and all that it has started, at once: all are stopped before the first one ends."""
    for step in (signal.SIGSTOP, signal.SIGKILL):
        for each in descendants(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, step)


class Play:
    """Playbooks against one host, with the lab's inventory.

    Args:
        folder: Of the inventory and the logs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._inventory = folder / "inventory"

    def prepare(self, host: str) -> None:
        """Write the inventory: the lab's, with another host."""
        self._inventory.mkdir(parents=True, exist_ok=True)
        content = {"all": {"children": {group: {"hosts": {host: None}} for group in _GROUPS}}}
        (self._inventory / "hosts.yml").write_text(yaml.safe_dump(content))
        for name, target in (("group_vars", ROOT / "inventories" / "lab" / "group_vars"), ("host_vars", HOST_VARS)):
            link = self._inventory / name
            link.unlink(missing_ok=True)
            link.symlink_to(target)

    def run(
        self,
        name: str,
        playbook: str = SITE,
        arguments: Sequence[str] = (),
        *,
        is_time: Callable[[float, str], bool] | None = None,
    ) -> tuple[str, int]:
        """Run a playbook to its end, or kill it; returns output and exit status.

        Args:
            name: Of its log.
            playbook: Path in the checkout.
            arguments: Further ones of ansible-playbook.
            is_time: Whether to kill it, asked with the seconds since its start and its output so far.
        """
        log = self.folder / f"{name}.log"
        argv = [str(Path(sys.executable).with_name("ansible-playbook")), playbook, "-i", str(self._inventory)]
        argv += arguments
        # Connections of its own: an earlier host may have had the same address.
        environment = {
            **os.environ,
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder / "ssh"),
        }
        begun = time.monotonic()
        with (
            log.open("w") as output,
            subprocess.Popen(
                argv, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            ) as process,
        ):
            while process.poll() is None:
                seconds = time.monotonic() - begun
                if seconds > DEADLINE_S or (is_time is not None and is_time(seconds, log.read_text())):
                    kill_all(process.pid)
                    process.wait()
                time.sleep(_POLL_S)
        return log.read_text(), process.returncode
