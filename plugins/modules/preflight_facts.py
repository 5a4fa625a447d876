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
    description: Absolute paths to measure, with what they hold.
    type: list
    elements: str
    default: []
  file_systems:
    description: Absolute paths of whose file systems only the free space is measured.
    type: list
    elements: str
    default: []
  data_root:
    description: Folder of Docker Engine's images to measure; an empty one is the one that it has or would have.
    type: str
  data_root_enough_gb:
    description: Where so many GiB are free, what O(data_root) holds is not counted, which may take long.
    type: float
    default: 0
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
  packages:
    description:
      - What is going to be installed, for O(surveys=packages). Unset is not known.
      - Where all of them are installed, apt's lists are not read, which takes longer than all else here.
    type: list
    elements: str
  services:
    description:
      - Ports that other hosts need, as C(firewall_services) documents them, for O(surveys=firewall).
      - Port 0 is that of Redis which the host has chosen or would choose, by O(surveys=redis).
    type: list
    elements: dict
    default: []
  container_ports:
    description: Those of O(services) that a container publishes.
    type: list
    elements: int
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
  description: One entry a path of O(paths) and O(file_systems), in the order given, then O(data_root).
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
data_root:
  description: Folder of Docker Engine's images, whose space is the last of RV(spaces).
  returned: where O(data_root) was given
  type: str
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
    from collections.abc import Callable, Mapping, Sequence

    Run = Callable[[list[str]], tuple[int, str, str]]
    Survey = Callable[[Run, Path], dict[str, Any]]

DEADLINE_SECONDS = 10
GIB = 1024**3
SURVEYS: dict[str, Survey] = {
    "engine": survey_engine.survey,
    "redis": survey_redis.survey,
}
PACKAGES = "packages"
FIREWALL = "firewall"


def facts() -> dict[str, str]:
    """Return the platform, under the names of Ansible's own facts."""
    return {
        "architecture": platform.machine(),
        "distribution": get_distribution(),
        "distribution_release": get_distribution_codename(),
        "distribution_version": get_distribution_version(),
    }


def survey(run: Run, params: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Return what was found, by each of the surveys that are asked for."""
    found = {name: read(run, root) for name, read in SURVEYS.items() if name in params["surveys"]}
    if PACKAGES in params["surveys"]:
        found[PACKAGES] = survey_packages.survey(run, root, params["packages"])
    if FIREWALL in params["surveys"]:
        services = with_redis_port(params["services"], found.get("redis", {}))
        found[FIREWALL] = survey_firewall.survey(run, root, services, params["container_ports"])
    return found


def with_redis_port(services: Sequence[Mapping[str, Any]], redis: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return services with the port that Redis has or would get in place of 0; without that, those with a port."""
    chosen = redis.get("port", 0)
    return [{**each, "port": int(each["port"]) or chosen} for each in services if int(each["port"]) or chosen]


def data_root(asked: str | None, engine: Mapping[str, Any]) -> str | None:
    """Return the folder of the engine's images to measure: the one that is asked for, or what the engine has."""
    return None if asked is None else asked or engine.get("data_root") or survey_engine.DATA_ROOT


def spaces(params: Mapping[str, Any], images: str | None) -> list[dict[str, Any]]:
    """Return the measurements of all paths, as documented under RETURN."""
    found = [measure(Path(path)) for path in params["paths"]]
    found += [measure(Path(path), enough_bytes=0) for path in params["file_systems"]]
    if images:
        found.append(measure(Path(images), enough_bytes=int(params["data_root_enough_gb"] * GIB)))
    return found


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "str", "default": []},
            "file_systems": {"type": "list", "elements": "str", "default": []},
            "data_root": {"type": "str"},
            "data_root_enough_gb": {"type": "float", "default": 0.0},
            "ports": {"type": "list", "elements": "int", "default": []},
            "endpoints": {"type": "list", "elements": "str", "default": []},
            "clock": {"type": "float"},
            "surveys": {"type": "list", "elements": "str", "choices": [PACKAGES, *SURVEYS, FIREWALL], "default": []},
            "packages": {"type": "list", "elements": "str"},
            "services": {"type": "list", "elements": "dict", "default": []},
            "container_ports": {"type": "list", "elements": "int", "default": []},
            "timeout": {"type": "float", "default": 5.0},
        },
        supports_check_mode=True,
    )
    params = module.params
    clock_ahead = None if params["clock"] is None else time.time() - params["clock"]
    absolute = [*params["paths"], *params["file_systems"], *([params["data_root"]] if params["data_root"] else [])]
    relative = [path for path in absolute if not Path(path).is_absolute()]
    if relative:
        module.fail_json(msg=f"paths must be absolute, these are not: {', '.join(relative)}")

    def run(command: list[str]) -> str:
        code, output, _errors = module.run_command(
            ["timeout", str(DEADLINE_SECONDS), *command], handle_exceptions=False, environ_update={"LC_ALL": "C"}
        )
        return output if code == 0 else ""

    try:
        unreached = reach_all(params["endpoints"], params["timeout"])
    except ValueError as error:
        module.fail_json(msg=str(error))
    found = survey(within_deadline(module), params, Path("/"))
    images = data_root(params["data_root"], found.get("engine", {}))
    module.exit_json(
        changed=False,
        ansible_facts=facts(),
        spaces=spaces(params, images),
        data_root=images,
        listeners=SocketTable(Path("/proc"), run).listeners(params["ports"]) if params["ports"] else [],
        unreached=unreached,
        capacity=capacity(),
        survey=found,
        clock_ahead=clock_ahead,
    )


if __name__ == "__main__":
    main()
