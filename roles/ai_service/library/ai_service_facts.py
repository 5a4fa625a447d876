#!/usr/bin/python
"""Ansible module: what a host has of the AI service, in one look."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped]  # Ansible ships no types
from ansible.module_utils.host_state import unit, within_deadline

DOCUMENTATION = r"""
module: ai_service_facts
short_description: Look at the releases on a host, their Python, and what the service runs with
description:
  - Reads only. What is not there is reported as such, never as a failure.
options:
  path:
    description: Folder with C(releases) and the link C(current); a release is whole once it has its C(release.json).
    type: path
    required: true
  python:
    description: Interpreter for the releases, by name or path.
    type: str
    default: python3
  unit:
    description: Unit of the service.
    type: str
    required: true
  user:
    description: User of the service.
    type: str
    required: true
  files:
    description: Files whose content is wanted.
    type: list
    elements: path
    default: []
  credentials:
    description: The unit's credentials; their files, by name.
    type: dict
    default: {}
  exists:
    description: Further paths to look for; a link is there wherever it leads.
    type: list
    elements: path
    default: []
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
author: Alchemorsel contributors
"""

EXAMPLES = r"""
- name: Look at what is there
  ai_service_facts:
    path: /opt/alchemorsel/ai_service
    unit: alchemorsel-ai@blue.service
    user: alchemorsel
    files: [/etc/alchemorsel/ai_service.env]
"""

RETURN = r"""
whole: {description: "Names of the whole releases, newest first.", returned: always, type: list, elements: str}
deployed:
  description: Names of those that ever served, the last deployed first.
  returned: always
  type: list
  elements: str
half_made: {description: Names of folders that were never finished., returned: always, type: list, elements: str}
current: {description: Where the link C(current) leads; empty without one., returned: always, type: str}
python_version: {description: "Version of the interpreter; empty where there is none.", returned: always, type: str}
python_has_venv:
  description: Whether the interpreter can make virtual environments with pip in them.
  returned: always
  type: bool
serving: {description: Whether the unit is active., returned: always, type: bool}
settled:
  description: Whether the unit is active and enabled, with its files as systemd has read them.
  returned: always
  type: bool
account:
  description: The user's home and shell; nothing without the user.
  returned: always
  type: list
  elements: str
files: {description: "Contents of those of O(files) that are there, by path.", returned: always, type: dict}
stale_credentials:
  description: Names of the credentials that the running service holds with another content than their file has now.
  returned: always
  type: list
  elements: str
exists: {description: Those of O(exists) that are there., returned: always, type: list, elements: str}
"""

MARKER = "release.json"
SERVED = "deployed"
"""File of a release that was put in service; its time is when. Going back to a release is no deployment."""
HELD_CREDENTIALS = Path("/run/credentials")
PROBE = """
import importlib.util, json, platform
print(json.dumps([platform.python_version(), importlib.util.find_spec("ensurepip") is not None]))
"""
PROBE_TIMEOUT = 20
"""Seconds; starting an interpreter takes a fraction of one."""


def find_releases(path: Path) -> tuple[list[str], list[str]]:
    """Return the names of the whole releases, newest first, and of the half-made ones."""
    folders = [folder for folder in path.iterdir() if folder.is_dir()] if path.is_dir() else []
    whole = [folder for folder in folders if (folder / MARKER).is_file()]
    whole.sort(key=lambda folder: (folder / MARKER).stat().st_mtime_ns, reverse=True)
    half_made = [folder for folder in folders if folder not in whole]
    return [folder.name for folder in whole], sorted(folder.name for folder in half_made)


def find_deployed(path: Path, whole: list[str]) -> list[str]:
    """Return the names of the whole releases that ever served, the last deployed first."""
    times = {name: path / name / SERVED for name in whole}
    served = {name: marker.stat().st_mtime_ns for name, marker in times.items() if marker.is_file()}
    return sorted(served, key=served.__getitem__, reverse=True)


def probe_python(python: str) -> tuple[str, bool]:
    """Return an interpreter's version ("" where it does not run) and whether it can make virtual environments."""
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
    """Return a user's home and shell, nothing where there is no such user."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return []
    return [entry.pw_dir, entry.pw_shell]


def stale_credentials(held: Path, files: dict[str, str]) -> list[str]:
    """Return the names of the credentials that are held with another content than their file has.

    Args:
        held: Folder with what systemd gave the running service; it is there while the service runs.
        files: The files, by credential name.
    """
    if not held.is_dir():
        return []
    return sorted(name for name, path in files.items() if _content(held / name) != _content(Path(path)))


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "python": {"type": "str", "default": "python3"},
            "unit": {"type": "str", "required": True},
            "user": {"type": "str", "required": True},
            "files": {"type": "list", "elements": "path", "default": []},
            "credentials": {"type": "dict", "default": {}},
            "exists": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    current = path / "current"
    whole, half_made = find_releases(path / "releases")
    version, has_venv = probe_python(module.params["python"])
    state = unit(within_deadline(module), module.params["unit"])
    module.exit_json(
        changed=False,
        whole=whole,
        deployed=find_deployed(path / "releases", whole),
        half_made=half_made,
        current=str(current.readlink()) if current.is_symlink() else "",
        python_version=version,
        python_has_venv=has_venv,
        serving=state["active"],
        settled=state["settled"],
        account=account(module.params["user"]),
        files={path: Path(path).read_text(encoding="utf-8") for path in module.params["files"] if Path(path).is_file()},
        stale_credentials=stale_credentials(HELD_CREDENTIALS / module.params["unit"], module.params["credentials"]),
        exists=[path for path in module.params["exists"] if os.path.lexists(path)],
    )


if __name__ == "__main__":
    main()
