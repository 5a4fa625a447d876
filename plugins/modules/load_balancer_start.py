#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: start the edge, on ports that other units hold within one short gap."""

from __future__ import annotations

DOCUMENTATION = r"""
module: load_balancer_start
short_description: Start the edge on ports that other units hold, within one short gap
version_added: 0.1.0
description:
  - Stops the former units without waiting for the requests in flight, kills what still listens on the ports after
    O(grace) seconds, and starts the edge as soon as the ports are free. Enables the edge and disables the former units.
  - Starts the former units again where the edge does not start, and fails with what its log says. That is why it starts
    the edge where there are no former units, too.
  - All in one module, because the service is down between the two steps.
options:
  unit:
    description: Unit of the edge.
    type: str
    required: true
  ports:
    description: TCP ports of the edge.
    type: list
    elements: int
    required: true
  former:
    description: Units to stop.
    type: list
    elements: str
    default: []
  restarted:
    description: Units to restart at the same moment.
    type: list
    elements: str
    default: []
  grace:
    description: Seconds that a unit has to close its listener.
    type: float
    default: 0.5
attributes:
  check_mode: {support: none, description: "Stops and starts units; skipped in check mode."}
  diff_mode: {support: none, description: There is no text to compare.}
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Start the edge in place of the former units
  alchemorsel.ai.load_balancer_start:
    unit: alchemorsel-edge.service
    ports: [3010, 3011]
    former: [alchemorsel-ai.socket, alchemorsel-ai@blue.service]
    restarted: [alchemorsel-web.service]
"""

RETURN = r"""
gap_ms: {description: Milliseconds from the first stop to the start of the edge., returned: success, type: int}
killed: {description: Units that had to be killed for their ports., returned: success, type: list, elements: str}
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.socket_table import SocketTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Run = Callable[[list[str]], tuple[int, str, str]]

DEADLINE_SECONDS = 60
FREE_SECONDS = 10.0
STEP_SECONDS = 0.02
LOG_LINES = 15


class StartError(Exception):
    """The edge does not run; the message is the reason."""


class TakeOver:
    """The change from the former units to the edge.

    Args:
        run: Runs a command; returns exit status, output and errors.
        table: The host's listening sockets.
        params: The module's parameters.
    """

    def __init__(self, run: Run, table: SocketTable, params: Mapping[str, Any]) -> None:
        self._run = run
        self._table = table
        self._ports: list[int] = params["ports"]
        self._unit: str = params["unit"]
        self._former: list[str] = params["former"]
        self._restarted: list[str] = params["restarted"]

    def perform(self, grace: float) -> dict[str, Any]:
        """Change over and return what is documented under RETURN.

        Args:
            grace: Seconds that a unit has to close its listener.

        Raises:
            StartError: The edge does not run, and the former units do again.
        """
        self._systemctl("daemon-reload")
        began = time.monotonic()
        try:
            killed = self._free_the_ports(grace)
            self._start()
        except StartError:
            self._systemctl("stop", self._unit)
            if self._former:
                self._systemctl("start", *self._former)
            raise
        gap = time.monotonic() - began
        self._systemctl("enable", self._unit)
        if self._former:
            self._systemctl("disable", *self._former)
        return {"killed": killed, "gap_ms": round(gap * 1000)}

    def _free_the_ports(self, grace: float) -> list[str]:
        if self._former:
            self._systemctl("stop", "--no-block", *self._former)
        if self._restarted:
            self._systemctl("restart", "--no-block", *self._restarted)
        if self._are_free(grace):
            return []
        # Their requests in flight end here, so that all others are answered again.
        killed = sorted({*self._former, *(set(self._restarted) & set(self._holders()))})
        for unit in killed:
            self._systemctl("kill", "--signal=SIGKILL", unit)
        if not self._are_free(FREE_SECONDS):
            raise StartError(f"the ports are still held by {', '.join(self._holders())}")
        return killed

    def _are_free(self, seconds: float) -> bool:
        give_up = time.monotonic() + seconds
        while self._table.held(self._ports):
            if time.monotonic() > give_up:
                return False
            time.sleep(STEP_SECONDS)
        return True

    def _holders(self) -> list[str]:
        return sorted({listener["owner"] or "an unknown process" for listener in self._table.listeners(self._ports)})

    def _start(self) -> None:
        began = time.time()
        code, _output, complained = self._systemctl("start", self._unit)
        if code != 0:
            shown = [f"--since=@{int(began)}", "--lines", str(LOG_LINES), "--output=cat", "--no-pager"]
            log = self._run(["journalctl", "--unit", self._unit, *shown])[1]
            raise StartError(f"{complained.strip()}\n{log.strip()}")

    def _systemctl(self, *arguments: str) -> tuple[int, str, str]:
        return self._run(["systemctl", *arguments])


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "unit": {"type": "str", "required": True},
            "ports": {"type": "list", "elements": "int", "required": True},
            "former": {"type": "list", "elements": "str", "default": []},
            "restarted": {"type": "list", "elements": "str", "default": []},
            "grace": {"type": "float", "default": 0.5},
        },
    )
    params = module.params

    def run(command: list[str]) -> tuple[int, str, str]:
        result: tuple[int, str, str] = module.run_command(
            ["timeout", str(DEADLINE_SECONDS), *command], environ_update={"LC_ALL": "C"}
        )
        return result

    table = SocketTable(Path("/proc"), lambda command: run(command)[1])
    change = TakeOver(run, table, params)
    try:
        result = change.perform(params["grace"])
    except StartError as error:
        again = f"\nStarted again: {', '.join(params['former'])}." if params["former"] else ""
        module.fail_json(msg=f"{params['unit']} did not start: {error}{again}")
    module.exit_json(changed=True, **result)


if __name__ == "__main__":
    main()
