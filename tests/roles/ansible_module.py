"""Runs what the collection brings the way Ansible does: modules as programs of their own, actions inside of Ansible."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleActionFail
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader, init_plugin_loader

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
ROLES = ROOT / "roles"
PLUGINS = ROOT / "plugins"
COLLECTIONS = ROOT / "collections"
"""Where the checkout is found as the collection alchemorsel.ai."""
DEADLINE_SECONDS = 60

init_plugin_loader([str(COLLECTIONS)])  # From here on collections are found, as in a play.


def load_plugin(name: str, kind: str = "modules") -> ModuleType:
    """Return a plugin of the collection as a Python module, to call its parts.

    Args:
        name: The plugin.
        kind: The folder of `plugins/` that holds it.
    """
    return importlib.import_module(f"ansible_collections.alchemorsel.ai.plugins.{kind}.{name}")


def load_program(role: str, name: str) -> ModuleType:
    """Return a program that a role puts on hosts as a Python module.

    Args:
        role: The role whose `files` holds the program.
        name: The program.
    """
    spec = importlib.util.spec_from_file_location(name, ROLES / role / "files" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_module(name: str, *, check_mode: bool = False, **params: Any) -> dict[str, Any]:
    """Run a module to its end and return its result, `failed` included where it failed.

    Args:
        name: The module.
        check_mode: Whether to run it in check mode.
        params: The module's parameters.
    """
    arguments = {"ANSIBLE_MODULE_ARGS": {**params, "_ansible_check_mode": check_mode, "_ansible_diff": True}}
    finished = subprocess.run(
        [sys.executable, str(PLUGINS / "modules" / f"{name}.py")],
        input=json.dumps(arguments),
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert finished.stdout, finished.stderr
    result: dict[str, Any] = json.loads(finished.stdout)
    return result


def run_action(name: str, *, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    """Run an action, which no host takes part in, and return its result, `failed` included where it failed.

    Args:
        name: The action.
        check_mode: Whether to run it in check mode.
        arguments: The action's arguments.
    """
    context, task = PlayContext(), Task()
    task.action, task.args, task.check_mode = name, arguments, check_mode
    plugin = load_plugin(name, "action")
    connection = connection_loader.get("local", context)
    action = plugin.ActionModule(task, connection, context, loader=None, templar=None)
    try:
        result: dict[str, Any] = action.run()
    except AnsibleActionFail as error:
        return {"failed": True, "msg": str(error)}
    return result
