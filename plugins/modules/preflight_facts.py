#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: measure what decides whether a host can be provisioned - platform, memory, space, ports, network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_facts
short_description: Gather platform, memory, disk, port, clock and network facts
version_added: 0.1.0
description:
  - Space for paths that may not exist yet - that of the file system they lie on or would lie on, with what an
    unprivileged user may still write there and what the path already holds.
  - Listeners on TCP ports, named as an operator knows them - the container that publishes the port, the systemd unit,
    or else the program. Run as root, else other users' processes stay unnamed.
  - Servers that are not found or not reached, the host's clock, its memory and its processors.
  - The few of Ansible's own facts that roles ask for; to gather these alone takes as long as all else here.
  - Reads only; check mode is no different. One module in place of five, because a task costs a round trip.
options:
  paths:
    description: Absolute paths to measure.
    type: list
    elements: str
    default: []
  ports:
    description: TCP ports to look at.
    type: list
    elements: int
    default: []
  endpoints:
    description: Servers to connect to, name:port.
    type: list
    elements: str
    default: []
  clock:
    description: Time of the machine that asks, in seconds since 1970-01-01 UTC; the host's is compared with it.
    type: float
  surveys:
    description: What the host had before that may stand in the way.
    type: list
    elements: str
    choices: [packages, engine, redis, firewall]
    default: []
  timeout:
    description: Seconds to wait for each server.
    type: float
    default: 5
extends_documentation_fragment: [alchemorsel.ai.attributes.read]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Measure the space for models, and see who listens on the port of Redis
  alchemorsel.ai.preflight_facts:
    paths: [/srv/alchemorsel/models]
    ports: [6379]
  register: __found
"""

RETURN = r"""
ansible_facts:
  description: "C(architecture), C(distribution), C(distribution_release) and C(distribution_version)."
  returned: success
  type: dict
spaces:
  description: One entry a path, in the order given.
  returned: success
  type: list
  elements: dict
  contains:
    path: {description: The path as given., type: str}
    existing_parent: {description: The nearest path that exists; the path itself where it does., type: str}
    is_directory: {description: Whether the existing parent is a directory., type: bool}
    mount_point: {description: Where the file system is mounted., type: str}
    free_bytes: {description: Bytes that an unprivileged user may still write., type: int}
    used_bytes: {description: Bytes allocated below the path on the same file system., type: int}
listeners:
  description: One entry a listening socket on one of the ports.
  returned: success
  type: list
  elements: dict
  contains:
    port: {description: The TCP port., type: int}
    address: {description: The address it is bound to., type: str}
    pid: {description: Process id; 0 where it cannot be seen., type: int}
    process: {description: Name of the program; empty where it cannot be seen., type: str}
    owner: {description: "Container name, else systemd unit, else program.", type: str}
unreached: {description: "What is wrong, by endpoint; those that answer are left out.", returned: success, type: dict}
capacity:
  description: C(memory_mb) of the host, or of its control group, in MiB, and C(processors) that may be used.
  returned: success
  type: dict
survey: {description: "What was found, by each of O(surveys).", returned: success, type: dict}
clock_ahead:
  description: Seconds by which the host's clock is ahead, the time on the way included; negative where it is behind.
  returned: where O(clock) was given
  type: float
"""

import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.sys_info import (
    get_distribution,
    get_distribution_codename,
    get_distribution_version,
)
from ansible_collections.alchemorsel.ai.plugins.module_utils import (
    survey_engine,
    survey_firewall,
    survey_packages,
    survey_redis,
)
from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import capacity, within_deadline
from ansible_collections.alchemorsel.ai.plugins.module_utils.preflight_network import reach_all
from ansible_collections.alchemorsel.ai.plugins.module_utils.preflight_space import measure
from ansible_collections.alchemorsel.ai.plugins.module_utils.socket_table import SocketTable

if TYPE_CHECKING:
    from collections.abc import Callable

    Survey = Callable[[Callable[[list[str]], tuple[int, str, str]], Path], dict[str, Any]]

DEADLINE_SECONDS = 10
SURVEYS: dict[str, Survey] = {
    "packages": survey_packages.survey,
    "engine": survey_engine.survey,
    "redis": survey_redis.survey,
    "firewall": survey_firewall.survey,
}


def facts() -> dict[str, str]:
    """Return the platform, under the names of Ansible's own facts."""
    return {
        "architecture": platform.machine(),
        "distribution": get_distribution(),
        "distribution_release": get_distribution_codename(),
        "distribution_version": get_distribution_version(),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "str", "default": []},
            "ports": {"type": "list", "elements": "int", "default": []},
            "endpoints": {"type": "list", "elements": "str", "default": []},
            "clock": {"type": "float"},
            "surveys": {"type": "list", "elements": "str", "choices": list(SURVEYS), "default": []},
            "timeout": {"type": "float", "default": 5.0},
        },
        supports_check_mode=True,
    )
    params = module.params
    clock_ahead = None if params["clock"] is None else time.time() - params["clock"]
    relative = [path for path in params["paths"] if not Path(path).is_absolute()]
    if relative:
        module.fail_json(msg=f"paths must be absolute, these are not: {', '.join(relative)}")

    def run(command: list[str]) -> str:
        code, output, _errors = module.run_command(
            ["timeout", str(DEADLINE_SECONDS), *command], handle_exceptions=False
        )
        return output if code == 0 else ""

    try:
        unreached = reach_all(params["endpoints"], params["timeout"])
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        ansible_facts=facts(),
        spaces=[measure(Path(path)) for path in params["paths"]],
        listeners=SocketTable(Path("/proc"), run).listeners(params["ports"]) if params["ports"] else [],
        unreached=unreached,
        capacity=capacity(),
        survey={name: SURVEYS[name](within_deadline(module), Path("/")) for name in params["surveys"]},
        clock_ahead=clock_ahead,
    )


if __name__ == "__main__":
    main()
