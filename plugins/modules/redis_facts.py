#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: gather what a host has of Redis in one round trip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_facts
short_description: Gather Redis servers, version, pending settings, memory and kernel settings
version_added: 0.1.0
description:
  - Reads only. What is not there is reported as such, never as a failure.
options:
  program:
    description: The server.
    type: path
    default: /usr/bin/redis-server
  settings:
    description: Files that the server reads when it starts.
    type: list
    elements: path
    default: []
  users:
    description: File that the server reloads on request.
    type: path
    default: /etc/redis/redis-alchemorsel.acl
  started:
    description: File that the server writes when it starts.
    type: path
    default: /run/redis-alchemorsel/redis-server.pid
  loaded:
    description: File whose time tells when the users were loaded last.
    type: path
    default: /run/redis-alchemorsel/users-loaded
  packages:
    description: Required packages.
    type: list
    elements: str
    default: []
  unit:
    description: Unit of the server.
    type: str
    default: redis-server@alchemorsel.service
  port:
    description: TCP port to look at; 0 is the port that the role's server has or would get.
    type: int
    default: 0
extends_documentation_fragment: [alchemorsel.ai.attributes.read]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Gather the state of the server
  alchemorsel.ai.redis_facts:
    settings: [/etc/redis/redis-alchemorsel.conf]
"""

RETURN = r"""
version: {description: "Version of the program; empty where there is none.", returned: always, type: str}
behind:
  description: Files that were written after the running server read them last; none where no server runs.
  returned: always
  type: list
  elements: str
memory_mb: {description: "Memory of the host, or of its control group, in MiB.", returned: always, type: int}
listeners:
  description: >-
    Who listens on O(port), or on the port that the role's server has or would get; as M(alchemorsel.ai.preflight_facts)
    returns it.
  returned: always
  type: list
  elements: dict
survey:
  description: >-
    What the host has of Redis and valkey servers - C(servers), C(installed) and C(brought) packages, whether the
    role's server C(exists), its C(port), C(foreign) files, the C(former) server of earlier revisions, the state of the
    C(stock) unit, and C(others) that need the packages.
  returned: always
  type: dict
missing_packages:
  description: Those of O(packages) that are not installed.
  returned: always
  type: list
  elements: str
settled:
  description: Whether the unit is active and enabled, with its files as systemd has read them.
  returned: always
  type: bool
overcommit: {description: "The kernel's vm.overcommit_memory.", returned: always, type: str}
overcommit_is_ours:
  description: Whether it can be set from here; in a container it often cannot.
  returned: always
  type: bool
"""

import os
import re
import subprocess
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils import survey_redis
from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import capacity, packages, unit, within_deadline
from ansible_collections.alchemorsel.ai.plugins.module_utils.socket_table import SocketTable

PROBE_TIMEOUT = 20
"""Seconds; telling its version takes a program milliseconds."""
OVERCOMMIT = Path("/proc/sys/vm/overcommit_memory")


def version_of(program: str) -> str:
    """Return a server's version, "" where it is not there."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, check=True, text=True, timeout=PROBE_TIMEOUT)
    except (OSError, subprocess.SubprocessError):
        return ""
    match = re.search(r"\bv=([\d.]+)", done.stdout)
    return match[1] if match else ""


def behind(settings: list[str], users: str, started: Path, loaded: Path) -> list[str]:
    """Return the files that a running server has not read since they were written.

    Args:
        settings: Read at the start.
        users: Read at the start, and whenever they are loaded.
        started: Written at the start.
        loaded: Written when the users were loaded.
    """
    start = _written(started)
    if start is None:
        return []
    read = dict.fromkeys(settings, start) | {users: max(start, _written(loaded) or start)}
    return [path for path, at in read.items() if (_written(Path(path)) or at) > at]


def _written(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "program": {"type": "path", "default": "/usr/bin/redis-server"},
            "settings": {"type": "list", "elements": "path", "default": []},
            "users": {"type": "path", "default": "/etc/redis/redis-alchemorsel.acl"},
            "started": {"type": "path", "default": "/run/redis-alchemorsel/redis-server.pid"},
            "loaded": {"type": "path", "default": "/run/redis-alchemorsel/users-loaded"},
            "packages": {"type": "list", "elements": "str", "default": []},
            "unit": {"type": "str", "default": survey_redis.OWN_UNIT},
            "port": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    params = module.params
    run = within_deadline(module)
    found = survey_redis.survey(run, Path("/"))
    sockets = SocketTable(Path("/proc"), lambda command: run(command)[1])
    installed = packages(run, params["packages"])[0] if params["packages"] else {}
    module.exit_json(
        changed=False,
        version=version_of(params["program"]),
        behind=behind(params["settings"], params["users"], Path(params["started"]), Path(params["loaded"])),
        listeners=sockets.listeners([params["port"] or found["port"]]),
        survey=found,
        memory_mb=capacity()["memory_mb"],
        missing_packages=[name for name in params["packages"] if name not in installed],
        settled=unit(run, params["unit"])["settled"],
        overcommit=OVERCOMMIT.read_text().strip(),
        overcommit_is_ours=os.access(OVERCOMMIT, os.W_OK),
    )


if __name__ == "__main__":
    main()
