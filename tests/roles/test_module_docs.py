"""The modules of the roles say what they do: `ansible-doc -M roles/<role>/library <module>`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.roles.ansible_module import ROLES, load_module

MODULES = sorted(ROLES.glob("*/library/*.py"))


def test_every_modules_documentation_can_be_read() -> None:
    """With what modules of a role share."""
    folders = os.pathsep.join(sorted({str(path.parent) for path in MODULES}))
    program = str(Path(sys.executable).with_name("ansible-doc"))
    done = subprocess.run(
        [program, "--json", "--module-path", folders, *(path.stem for path in MODULES)],
        cwd=ROLES.parent,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROLES.parent / "ansible.cfg")},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert [path.stem for path in MODULES if not read.get(path.stem, {}).get("doc")] == []
    link = load_module("redis", "redis_link", "module_utils").OPTIONS
    for module in ("redis_access", "redis_users_load"):
        described = read[module]["doc"]["options"]
        assert {name: (option["type"], option.get("default")) for name, option in link.items()} == {
            name: (option["type"], option.get("default")) for name, option in described.items() if name in link
        }
