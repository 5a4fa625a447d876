#!/usr/bin/python
"""Ansible module: what a host already has of the AI service, in one look."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped]  # Ansible ships no types

DOCUMENTATION = r"""
module: release_facts
short_description: Look at the releases on a host, and at the Python they would be built with
description:
  - Reads only. What is not there is reported as such, never as a failure.
options:
  path:
    description: Folder of the releases; each is a folder in it that holds O(marker) once it is whole.
    type: path
    required: true
  marker:
    description: File that is written into a release last.
    type: str
    default: release.json
  python:
    description: Interpreter for the releases, by name or path.
    type: str
    default: python3
  exists:
    description: Further paths to look for.
    type: list
    elements: path
    default: []
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
author:
  - Alchemorsel
"""

EXAMPLES = r"""
- name: Look at what is there
  release_facts:
    path: /opt/alchemorsel/ai_service/releases
"""

RETURN = r"""
whole:
  description: Names of the whole releases, newest first.
  returned: always
  type: list
  elements: str
half_made:
  description: Names of folders that were never finished.
  returned: always
  type: list
  elements: str
python_version:
  description: Version of the interpreter, for example V(3.11.2); empty where there is none.
  returned: always
  type: str
python_has_venv:
  description: Whether the interpreter can make virtual environments with pip in them.
  returned: always
  type: bool
exists:
  description: Those of O(exists) that are there.
  returned: always
  type: list
  elements: str
"""

PROBE = """
import importlib.util, json, platform
print(json.dumps([platform.python_version(), importlib.util.find_spec("ensurepip") is not None]))
"""
PROBE_TIMEOUT = 20
"""Seconds; starting an interpreter takes a fraction of one."""


def find_releases(path: Path, marker: str) -> tuple[list[str], list[str]]:
    """Return the names of the whole releases, newest first, and of the half-made ones."""
    folders = [folder for folder in path.iterdir() if folder.is_dir()] if path.is_dir() else []
    whole = [folder for folder in folders if (folder / marker).is_file()]
    whole.sort(key=lambda folder: (folder / marker).stat().st_mtime_ns, reverse=True)
    half_made = [folder for folder in folders if folder not in whole]
    return [folder.name for folder in whole], sorted(folder.name for folder in half_made)


def probe_python(python: str) -> tuple[str, bool]:
    """Return an interpreter's version ("" where it does not run) and whether it can make virtual environments."""
    try:
        done = subprocess.run(
            [python, "-I", "-c", PROBE], capture_output=True, check=True, text=True, timeout=PROBE_TIMEOUT
        )
        version, has_venv = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return "", False
    return version, has_venv


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "marker": {"type": "str", "default": "release.json"},
            "python": {"type": "str", "default": "python3"},
            "exists": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    whole, half_made = find_releases(Path(module.params["path"]), module.params["marker"])
    version, has_venv = probe_python(module.params["python"])
    module.exit_json(
        changed=False,
        whole=whole,
        half_made=half_made,
        python_version=version,
        python_has_venv=has_venv,
        exists=[path for path in module.params["exists"] if Path(path).exists()],
    )


if __name__ == "__main__":
    main()
