"""The modules of the collection say what they do: `ansible-doc alchemorsel.ai.<module>`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.roles.ansible_module import COLLECTIONS, PLUGINS, load_plugin

MODULES = [f"alchemorsel.ai.{path.stem}" for path in sorted(PLUGINS.glob("modules/*.py"))]


def test_every_modules_documentation_can_be_read(tmp_path: Path) -> None:
    """From any folder, with nothing but the path of the collections."""
    program = str(Path(sys.executable).with_name("ansible-doc"))
    done = subprocess.run(
        [program, "--json", *MODULES],
        cwd=tmp_path,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert [name for name in MODULES if not read.get(name, {}).get("doc")] == []
    link = load_plugin("redis_link", "module_utils").OPTIONS
    for module in ("alchemorsel.ai.redis_access", "alchemorsel.ai.redis_users_load"):
        described = read[module]["doc"]["options"]
        assert {name: (option["type"], option.get("default")) for name, option in link.items()} == {
            name: (option["type"], option.get("default")) for name, option in described.items() if name in link
        }
