#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: what a host has of Redis, in one look."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_facts
short_description: Gather Redis' version, pending settings, memory and kernel settings
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
    required: true
  started:
    description: File that the server writes when it starts.
    type: path
    default: /run/redis/redis-server.pid
  loaded:
    description: File whose time tells when the users were loaded last.
    type: path
    required: true
  exists:
    description: Further paths to look for.
    type: list
    elements: path
    default: []
  packages:
    description: Required packages.
    type: list
    elements: str
    default: []
  unit:
    description: Unit of the server.
    type: str
    default: redis-server.service
extends_documentation_fragment: [alchemorsel.ai.attributes.read]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look at the server
  alchemorsel.ai.redis_facts:
    settings: [/etc/redis/alchemorsel.conf]
    users: /etc/redis/alchemorsel.acl
    loaded: /run/redis/alchemorsel-users-loaded
"""

RETURN = r"""
version: {description: "Version of the program; empty where there is none.", returned: always, type: str}
behind:
  description: Files that were written after the running server read them last; none where no server runs.
  returned: always
  type: list
  elements: str
memory_mb: {description: "Memory of the host, or of its control group, in MiB.", returned: always, type: int}
exists: {description: Those of O(exists) that are there., returned: always, type: list, elements: str}
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
from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import capacity, packages, unit, within_deadline

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
            "users": {"type": "path", "required": True},
            "started": {"type": "path", "default": "/run/redis/redis-server.pid"},
            "loaded": {"type": "path", "required": True},
            "exists": {"type": "list", "elements": "path", "default": []},
            "packages": {"type": "list", "elements": "str", "default": []},
            "unit": {"type": "str", "default": "redis-server.service"},
        },
        supports_check_mode=True,
    )
    params = module.params
    run = within_deadline(module)
    installed = packages(run, params["packages"])[0] if params["packages"] else {}
    module.exit_json(
        changed=False,
        version=version_of(params["program"]),
        behind=behind(params["settings"], params["users"], Path(params["started"]), Path(params["loaded"])),
        memory_mb=capacity()["memory_mb"],
        exists=[path for path in params["exists"] if Path(path).exists()],
        missing_packages=[name for name in params["packages"] if name not in installed],
        settled=unit(run, params["unit"])["settled"],
        overcommit=OVERCOMMIT.read_text().strip(),
        overcommit_is_ours=os.access(OVERCOMMIT, os.W_OK),
    )


if __name__ == "__main__":
    main()
