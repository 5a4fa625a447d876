#!/usr/bin/python
"""Ansible module: gather the releases, instances and settings of the AI service on a host, in one round trip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ai_service_facts
short_description: Gather the releases, instances and settings of the AI service on a host
version_added: 0.1.0
description:
  - Reads only. What does not exist is reported as such, never as a failure.
options:
  path:
    description:
      - Folder with C(releases), C(instances) and the link C(current). A release is complete with its C(release.json).
    type: path
    required: true
  python:
    description: Interpreter for the releases, by name or path.
    type: str
    default: python3
  unit:
    description: Unit template of the instances.
    type: str
    required: true
  instances:
    description: Names of the desired instances. Those that the host has are reported too.
    type: list
    elements: str
    default: []
  user:
    description: User of the service.
    type: str
    required: true
  group:
    description: Group of the edge.
    type: str
    required: true
  edge_socket:
    description: Runtime socket of the edge.
    type: path
    required: true
  files:
    description: Files whose content is returned.
    type: list
    elements: path
    default: []
  credentials:
    description: The unit's credentials; their files, by name.
    type: dict
    default: {}
  exists:
    description: Further paths to check; a link exists wherever it leads.
    type: list
    elements: path
    default: []
extends_documentation_fragment: [alchemorsel.ai.attributes.read]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Gather the state of the AI service
  alchemorsel.ai.ai_service_facts:
    path: /opt/alchemorsel/ai_service
    unit: alchemorsel-ai@.service
    instances: ["1", "2"]
    user: alchemorsel
    group: alchemorsel-edge
    edge_socket: /run/alchemorsel/edge/edge.sock
  register: found
"""

RETURN = r"""
whole: {description: "Complete releases, newest first.", returned: always, type: list, elements: str}
half_made: {description: Releases without their C(release.json)., returned: always, type: list, elements: str}
deployed:
  description: Complete releases that were in service, last deployed first.
  returned: always
  type: list
  elements: str
without_edge:
  description: Complete releases that cannot serve behind the edge.
  returned: always
  type: list
  elements: str
current: {description: Target of the link C(current)., returned: always, type: str}
instances:
  description:
    - Instances by name. Each has C(release), the target of its link, and C(settings), the content of its settings file,
      both empty where they do not exist.
    - C(active); C(settled), which is active and enabled, with its unit files as systemd has read them.
    - C(stale_credentials), those held with another content than their file has.
    - C(drained), whether it is drained in the edge.
  returned: always
  type: dict
serving: {description: Whether an instance is active., returned: always, type: bool}
python_version: {description: Version of the interpreter; empty without one., returned: always, type: str}
python_has_venv:
  description: Whether the interpreter can make virtual environments with pip.
  returned: always
  type: bool
account: {description: Home and shell of the user; empty without the user., returned: always, type: list, elements: str}
has_group: {description: Whether the group exists., returned: always, type: bool}
files: {description: "Contents of those of O(files) that exist, by path.", returned: always, type: dict}
exists: {description: Those of O(exists) that exist., returned: always, type: list, elements: str}
"""

import csv
import grp
import importlib.util
import json
import os
import platform
import pwd
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import unit, within_deadline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import Run

MARKER = "release.json"
SERVED = "deployed"
"""File of a release that was put in service; its time is when. A rollback is no deployment."""
BEHIND_EDGE = "unix_socket"
"""Word in a release's marker: it can listen on a Unix socket. Releases before the edge lack it."""
HELD_CREDENTIALS = Path("/run/credentials")
BACKEND = "api"
"""Of the edge, with a server for each instance."""
EDGE_TIMEOUT_S = 5.0
MAX_STAT_BYTES = 1 << 20
PROBE = """
import importlib.util, json, platform
print(json.dumps([platform.python_version(), importlib.util.find_spec("ensurepip") is not None]))
"""
PROBE_TIMEOUT = 20
"""Seconds; starting an interpreter takes a fraction of one."""


def find_releases(path: Path) -> tuple[list[str], list[str]]:
    """Find the names of the complete releases, newest first, and of the half-made ones."""
    folders = [folder for folder in path.iterdir() if folder.is_dir()] if path.is_dir() else []
    whole = [folder for folder in folders if (folder / MARKER).is_file()]
    whole.sort(key=lambda folder: (folder / MARKER).stat().st_mtime_ns, reverse=True)
    half_made = [folder for folder in folders if folder not in whole]
    return [folder.name for folder in whole], sorted(folder.name for folder in half_made)


def without_edge(path: Path, whole: Iterable[str]) -> list[str]:
    """Find the complete releases that cannot listen on a Unix socket, and so not serve behind the edge."""
    return [name for name in whole if not _marker(path / name).get(BEHIND_EDGE, False)]


def _marker(release: Path) -> dict[str, Any]:
    try:
        marker = json.loads((release / MARKER).read_bytes())
    except ValueError:
        return {}
    return marker if isinstance(marker, dict) else {}


def find_deployed(path: Path, whole: list[str]) -> list[str]:
    """Find the names of the complete releases that were in service, last deployed first."""
    times = {name: path / name / SERVED for name in whole}
    served = {name: marker.stat().st_mtime_ns for name, marker in times.items() if marker.is_file()}
    return sorted(served, key=served.__getitem__, reverse=True)


def probe_python(python: str) -> tuple[str, bool]:
    """Probe an interpreter: its version ("" where it does not run) and whether it can make virtual environments."""
    if Path(shutil.which(python) or python).resolve() == Path(sys.executable).resolve():  # no need to start it again
        return platform.python_version(), importlib.util.find_spec("ensurepip") is not None
    try:
        done = subprocess.run(
            [python, "-I", "-c", PROBE], capture_output=True, check=True, text=True, timeout=PROBE_TIMEOUT
        )
        version, has_venv = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return "", False
    return version, has_venv


def account(user: str) -> list[str]:
    """Read a user's home and shell; an empty list where there is no such user."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return []
    return [entry.pw_dir, entry.pw_shell]


def stale_credentials(held: Path, files: dict[str, str]) -> list[str]:
    """Find the credentials that are held with another content than their file has.

    Args:
        held: Folder with what systemd gave the running service; it is there while the service runs.
        files: The files, by credential name.
    """
    if not held.is_dir():
        return []
    return sorted(name for name, path in files.items() if _content(held / name) != _content(Path(path)))


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def instance_names(path: Path, desired: Iterable[str]) -> list[str]:
    """List the desired instances and those that the host has a link or settings for."""
    found = {entry.name.removesuffix(".env") for entry in path.iterdir()} if path.is_dir() else set()
    return sorted({*desired, *(name for name in found if name.isdecimal())}, key=lambda name: (len(name), name))


def instance(run: Run, path: Path, unit_name: str, credentials: dict[str, str]) -> dict[str, Any]:
    """Read the state of one instance.

    Args:
        run: Runs commands.
        path: Its link to a release; its settings are beside it.
        unit_name: Its unit.
        credentials: Files of the credentials, by name.
    """
    settings = path.with_name(f"{path.name}.env")
    state = unit(run, unit_name)
    return {
        "release": str(path.readlink()) if path.is_symlink() else "",
        "settings": settings.read_text(encoding="utf-8", errors="replace") if settings.is_file() else "",
        "active": state["active"],
        "settled": state["settled"],
        "stale_credentials": stale_credentials(HELD_CREDENTIALS / unit_name, credentials),
    }


def drained(edge_socket: str) -> set[str]:
    """Ask the edge which servers of the API are drained.

    Args:
        edge_socket: HAProxy's runtime socket; without an edge that listens there, none is drained.
    """
    told = b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(EDGE_TIMEOUT_S)
            client.connect(edge_socket)
            client.sendall(b"show stat\n")
            while len(told) < MAX_STAT_BYTES and (chunk := client.recv(65536)):
                told += chunk
    except OSError:
        return set()
    rows = csv.DictReader(told.decode("utf-8", "replace").lstrip("# ").splitlines())
    return {
        row["svname"]
        for row in rows
        if row.get("pxname") == BACKEND and (row.get("status") or "").startswith(("DRAIN", "MAINT"))
    }


def group_exists(name: str) -> bool:
    """Check whether a group exists."""
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "python": {"type": "str", "default": "python3"},
            "unit": {"type": "str", "required": True},
            "instances": {"type": "list", "elements": "str", "default": []},
            "user": {"type": "str", "required": True},
            "group": {"type": "str", "required": True},
            "edge_socket": {"type": "path", "required": True},
            "files": {"type": "list", "elements": "path", "default": []},
            "credentials": {"type": "dict", "default": {}},
            "exists": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    path = Path(wanted["path"])
    current = path / "current"
    whole, half_made = find_releases(path / "releases")
    version, has_venv = probe_python(wanted["python"])
    run, out_of_service = within_deadline(module), drained(wanted["edge_socket"])
    instances = {
        name: {
            **instance(
                run, path / "instances" / name, wanted["unit"].replace("@.", f"@{name}."), wanted["credentials"]
            ),
            "drained": name in out_of_service,
        }
        for name in instance_names(path / "instances", wanted["instances"])
    }
    module.exit_json(
        changed=False,
        whole=whole,
        half_made=half_made,
        deployed=find_deployed(path / "releases", whole),
        without_edge=without_edge(path / "releases", whole),
        current=str(current.readlink()) if current.is_symlink() else "",
        instances=instances,
        serving=any(state["active"] for state in instances.values()),
        python_version=version,
        python_has_venv=has_venv,
        account=account(wanted["user"]),
        has_group=group_exists(wanted["group"]),
        files={path: Path(path).read_text(encoding="utf-8") for path in wanted["files"] if Path(path).is_file()},
        exists=[path for path in wanted["exists"] if os.path.lexists(path)],
    )


if __name__ == "__main__":
    main()
