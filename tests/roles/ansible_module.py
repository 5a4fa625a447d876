"""Runs what roles bring the way Ansible does: modules as programs of their own, actions inside of Ansible itself."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ansible.module_utils
from ansible.errors import AnsibleActionFail
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader

if TYPE_CHECKING:
    from types import ModuleType

ROLES = Path(__file__).parents[2] / "roles"
DEADLINE_SECONDS = 60

SHARED = [str(path) for path in sorted(ROLES.glob("*/module_utils"))]
"""What modules of a role share: Ansible puts it into `ansible.module_utils` when it packs a module."""

ansible.module_utils.__path__ += SHARED

_RUN = """
import ansible.module_utils, runpy, sys
_, script, *shared = sys.argv
sys.argv = [script]
ansible.module_utils.__path__ += shared
runpy.run_path(script, run_name="__main__")
"""


def load_module(role: str, name: str, folder: str = "library") -> ModuleType:
    """Return a role's module as a Python module, to call its parts.

    Args:
        role: The role.
        name: The module.
        folder: The folder of the role that holds it; `files` for a program that the role puts on hosts.
    """
    spec = importlib.util.spec_from_file_location(name, ROLES / role / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_module(role: str, name: str, *, check_mode: bool = False, **params: Any) -> dict[str, Any]:
    """Run a module to its end and return its result, `failed` included where it failed.

    Args:
        role: The role whose `library` holds the module.
        name: The module.
        check_mode: Whether to run it in check mode.
        params: The module's parameters.
    """
    arguments = {"ANSIBLE_MODULE_ARGS": {**params, "_ansible_check_mode": check_mode, "_ansible_diff": True}}
    finished = subprocess.run(
        [sys.executable, "-c", _RUN, str(ROLES / role / "library" / f"{name}.py"), *SHARED],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert finished.stdout, finished.stderr
    result: dict[str, Any] = json.loads(finished.stdout)
    return result


def run_action(role: str, name: str, *, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    """Run an action of a role, which no host takes part in, and return its result, `failed` included where it failed.

    Args:
        role: The role whose `action_plugins` holds the action.
        name: The action.
        check_mode: Whether to run it in check mode.
        arguments: The action's arguments.
    """
    context, task = PlayContext(), Task()
    task.action, task.args, task.check_mode = name, arguments, check_mode
    plugin = load_module(role, name, "action_plugins")
    connection = connection_loader.get("local", context)
    action = plugin.ActionModule(task, connection, context, loader=None, templar=None)
    try:
        result: dict[str, Any] = action.run()
    except AnsibleActionFail as error:
        return {"failed": True, "msg": str(error)}
    return result
