#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: have the running Docker Engine take up its daemon.json, without stopping containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon_apply
short_description: Reload or restart the Docker Engine with the settings of daemon.json that it has not taken up
version_added: 0.1.0
description:
  - Finds the settings in which the file differs from what the running engine has taken up, also where another run wrote
    the file and was cut off.
  - Reloads the engine where that is enough. Else it reloads first and waits until live-restore is in force, so that
    running containers outlive the restart.
  - Fails before it does anything where the restart would stop containers of others.
  - A handler restarts whatever the change is, does not come back after a run that was cut off, and knows no containers.
options:
  path:
    description: The configuration file.
    type: path
    default: /etc/docker/daemon.json
  config:
    description: What the file is to hold, where check mode did not write it; by default what it holds.
    type: dict
  stop_containers:
    description: Restart the engine also where that stops containers of others.
    type: bool
    default: false
  restart:
    description: Something needs a restart that neither file nor unit tell, such as a drop-in that was removed.
    type: bool
    default: false
  reload_only:
    description: Leave settings that need a restart to the engine's next start, where containers run.
    type: bool
    default: false
attributes:
  check_mode: {support: full, description: "Tells what would be done, and fails where that would stop containers."}
  diff_mode: {support: none, description: Shows no diff.}
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Reload or restart the engine with settings that are not in force
  alchemorsel.ai.docker_daemon_apply:
"""

RETURN = r"""
action: {description: "What was done, or would be: none, reload or restart.", returned: success, type: str}
pending: {description: Names of the settings that were not taken up., returned: success, type: list, elements: str}
left: {description: Names of those left to the engine's next start., returned: success, type: list, elements: str}
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils import (
    docker_engine,
    docker_flags,
    docker_pending,
    survey_engine,
)
from ansible_collections.alchemorsel.ai.plugins.module_utils.docker_daemon import BadConfigError, read_object

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[[list[str]], tuple[int, str, str]]

RESTART_SECONDS = 180
LIVE_RESTORE_SECONDS = 15
INTERVAL_SECONDS = 0.2


class ApplyError(Exception):
    """The engine does not take its configuration up, or not without harm."""


class Engine:
    """The engine of a host, with the settings of its file.

    Args:
        run: Runs a command within a deadline; returns exit status, output and errors.
        root: Root of the file system.
        path: The configuration file.
        config: What the file is to hold.
        describe: Returns what the running engine tells of itself.
        restarts: Something needs a restart that neither file nor unit tell, such as a drop-in that was removed.
    """

    def __init__(
        self,
        run: Run,
        root: Path,
        path: Path,
        config: dict[str, Any],
        describe: Callable[[], dict[str, Any]],
        *,
        restarts: bool = False,
    ) -> None:
        self._run, self._root, self._config, self._describe = run, root, config, describe
        self._stamp = root / docker_pending.STAMP
        self._unit = survey_engine.read_units(run)[survey_engine.UNIT]
        modified = path.stat().st_mtime if path.exists() else 0.0
        self._taken_up = docker_pending.in_force(
            self._stamp, self._unit["invocation"], self._unit["since"], read_object(path), modified
        )
        self.pending: list[str] = []
        if self._unit["active"] == "active":
            self.pending = docker_pending.pending(self._taken_up, config)
            self.pending += docker_pending.of_the_unit(self._unit["files"], root, self._unit["since"])
            self.pending += (
                [docker_pending.UNIT_IS_NEWER] if restarts and docker_pending.UNIT_IS_NEWER not in self.pending else []
            )

    def plan(self, *, stops_containers: bool, reloads_only: bool) -> dict[str, Any]:
        """Return what is documented under RETURN.

        Raises:
            ApplyError: Containers of others would be stopped.
        """
        restarting = docker_pending.needing_restart(self.pending, self._config)
        action = "restart" if restarting else "reload" if self.pending else "none"
        running = [container["name"] for container in self._describe()["containers"]] if restarting else []
        flags = docker_flags.settings(survey_engine.engine_command(self._unit, self._root)[1:])
        survive = docker_pending.survives(self._config, flags, keeps=self._unit["keeps"])
        left: list[str] = []
        if reloads_only and running:
            action, left = ("reload" if len(restarting) < len(self.pending) else "none"), restarting
        elif not stops_containers:
            stopped = docker_pending.stopped_by(restarting, running, survive=survive)
            self._refuse(restarting, docker_pending.of_others(stopped))
        return {"action": action, "pending": self.pending, "left": left}

    def perform(self, plan: dict[str, Any], *, stops_containers: bool) -> None:
        """Do what was planned.

        Raises:
            ApplyError: The engine does not come back, or live-restore does not come into force.
        """
        if plan["action"] != "none":
            self._reload(plan, stops_containers=stops_containers)
        if plan["action"] == "restart":
            # Restarts by several roles in a row are not the crash loop that systemd's start limit is for.
            self._run(["systemctl", "reset-failed", "docker.service", "docker.socket"])
            self._checked(["systemctl", "restart", survey_engine.UNIT])
        taken_up = docker_pending.hashes(self._config)
        for name in plan["left"]:
            taken_up.pop(name, None)
            taken_up.update({name: self._taken_up[name]} if name in self._taken_up else {})
        invocation = survey_engine.read_units(self._run)[survey_engine.UNIT]["invocation"]
        docker_pending.remember(self._stamp, invocation, taken_up)

    def _reload(self, plan: dict[str, Any], *, stops_containers: bool) -> None:
        """Reload the engine; before a restart, see that the containers that run will outlive it."""
        wants = self._config.get("live-restore") is True
        before = self._describe()
        if plan["action"] == "restart" and (not before["containers"] or not wants):
            return
        self._checked(["systemctl", "reload", survey_engine.UNIT])
        deadline = time.monotonic() + LIVE_RESTORE_SECONDS
        while wants and not self._describe()["live_restore"]:
            if time.monotonic() > deadline:
                names = docker_pending.of_others(container["name"] for container in before["containers"])
                if plan["action"] == "restart" and not stops_containers:
                    self._refuse(docker_pending.needing_restart(plan["pending"], self._config), names)
                return
            time.sleep(INTERVAL_SECONDS)

    def _refuse(self, restarting: list[str], stopped: list[str]) -> None:
        if stopped:
            raise ApplyError(
                f"a restart of the engine would stop these containers: {', '.join(stopped)} (it is needed for "
                f"{', '.join(restarting)}, and live-restore is not in force). Stop or move them, or set "
                "docker_stop_containers: true"
            )

    def _checked(self, command: list[str]) -> None:
        code, output, errors = self._run(command)
        if code != 0:
            raise ApplyError(f"`{' '.join(command)}` failed with status {code}: {(errors or output).strip()}")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "config": {"type": "dict"},
            "stop_containers": {"type": "bool", "default": False},
            "restart": {"type": "bool", "default": False},
            "reload_only": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    params = module.params
    path, stops = Path(params["path"]), params["stop_containers"]

    def run(command: list[str]) -> tuple[int, str, str]:
        result: tuple[int, str, str] = module.run_command(["timeout", str(RESTART_SECONDS), *command])
        return result

    def describe() -> dict[str, Any]:
        return docker_engine.describe(f"/{survey_engine.SOCKET}")

    try:
        config = read_object(path) if params["config"] is None else params["config"]
        engine = Engine(run, Path("/"), path, config, describe, restarts=params["restart"])
        plan = engine.plan(stops_containers=stops, reloads_only=params["reload_only"])
        if not module.check_mode:
            engine.perform(plan, stops_containers=stops)
    except (ApplyError, BadConfigError, OSError) as error:
        module.fail_json(msg=str(error))
    verb = "would " if module.check_mode else ""
    module.exit_json(
        changed=plan["action"] != "none",
        msg=f"{verb}{plan['action']} docker.service for {', '.join(plan['pending']) or 'nothing'}",
        **plan,
    )


if __name__ == "__main__":
    main()
