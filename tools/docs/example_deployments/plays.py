"""The playbooks that exchange what a site runs, each time for something else."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lab.command import run
from lab.errors import LabError
from lab.paths import ROOT, SSH_CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable

PLAY_S = 600.0
SSH_S = 30.0
NICENESS = "10"
"""A control node is another machine; on this one it should take little of what callers are served with."""
_SOURCE = ROOT / "ai_service"


class Site:
    """A site that playbooks change.

    Args:
        inventory: Folder of the inventory.
        host: Lab host whose releases are rolled back.
        folder: For copies of the source.
    """

    def __init__(self, inventory: str, host: str, folder: Path) -> None:
        self._inventory = inventory
        self._host = host
        self._folder = folder
        self._source = _SOURCE
        self._number = 0
        self._last_release = ""

    @property
    def kinds(self) -> dict[str, Callable[[], None]]:
        """What can be done to the site, by the name that the recording shows."""
        return {"deployment": self.deploy, "settings": self.change_settings, "rollback": self.roll_back}

    def deploy(self) -> None:
        """Deploy another release: a copy of the source that differs in a comment.

        Raises:
            LabError: The play failed, or changed nothing.
        """
        self._number += 1
        copied = self._folder / str(self._number) / "ai_service"
        shutil.copytree(_SOURCE, copied, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copied.parent)
        with (copied / "__init__.py").open("a", encoding="utf-8") as file:
            file.write(f"# {time.time_ns()}\n")
        self._source = copied
        self._play("deploy.yml", {"ai_service_source": str(copied)})

    def change_settings(self) -> None:
        """Give the release that was deployed last other settings.

        Raises:
            LabError: The play failed, or changed nothing.
        """
        self._number += 1
        settings = {"ALCHEMORSEL_RECIPE_MAX_TOKENS": "512", "ALCHEMORSEL_CHAT_MAX_TOKENS": str(900 + self._number)}
        self._play("deploy.yml", {"ai_service_source": str(self._source), "ai_service_environment": settings})

    def roll_back(self) -> None:
        """Roll back to the release before; the next time, to the last one, by its name.

        Raises:
            LabError: The play failed, or changed nothing.
        """
        if self._last_release:
            self._play("rollback.yml", {"ai_service_release": self._last_release})
            self._last_release = ""
        else:
            self._last_release = self._current_release()
            self._play("rollback.yml", {})

    def restore(self) -> None:
        """Deploy the checkout's release and settings.

        Raises:
            LabError: The play failed.
        """
        self._source = _SOURCE
        self._play("deploy.yml", {}, may_change_nothing=True)

    def _current_release(self) -> str:
        argv = ["ssh", "-F", str(SSH_CONFIG), self._host, "readlink", "/opt/alchemorsel/ai_service/current"]
        return run(argv, timeout_s=SSH_S).strip().rpartition("/")[2]

    def _play(self, playbook: str, variables: dict[str, object], *, may_change_nothing: bool = False) -> None:
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        argv = ["nice", "-n", NICENESS, program, f"playbooks/{playbook}", "-i", self._inventory]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"}
        said = run([*argv, "-e", json.dumps(variables)], timeout_s=PLAY_S, env=environment, cwd=ROOT)
        changed = sum(map(int, re.findall(r"\bchanged=(\d+)", said.rpartition("PLAY RECAP")[2])))
        if not changed and not may_change_nothing:
            raise LabError(f"playbooks/{playbook} changed nothing, so nothing was exchanged")
