#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: own some keys of Docker's daemon.json, and leave the others alone."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon_config
short_description: Merge settings into Docker's daemon.json, and keep those of others
version_added: 0.1.0
description:
  - Merges deeply. Mappings are merged key by key, lists are joined, other values are replaced.
  - Remembers in O(record) what it put in, so that a setting that is no longer wanted goes again, while a setting that
    others wrote is kept. This is a three-way merge of what was applied last, what is there, and what is wanted.
  - A setting of O(defaults) yields to one that others wrote; a setting of O(options) does not.
options:
  path:
    description: The configuration file.
    type: path
    default: /etc/docker/daemon.json
  record:
    description: File that remembers what this module put in.
    type: path
    required: true
  defaults:
    description: Settings that apply unless others wrote another value.
    type: dict
    default: {}
  options:
    description:
      - Settings that apply in any case. V(null) takes a setting of O(defaults) away.
    type: dict
    default: {}
  engine:
    description: Version of the engine's program, which is to check the new file before it replaces the old one.
    type: str
  command:
    description: Program and arguments of the engine's unit, beside which the file has to be valid.
    type: list
    elements: str
    default: []
  taken_up:
    description: >-
      File in which M(alchemorsel.ai.docker_daemon_apply) remembers what the running engine has taken up; told what the
      file held before it is replaced.
    type: path
  backup:
    description: Keep a copy of the file as it was, named with the time.
    type: bool
    default: true
  state:
    description: V(absent) takes out what this module put in; a file that is then empty is removed.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode: {support: full, description: "Says whether the file would change, and validates that."}
  diff_mode: {support: full, description: "The whole file, before and after."}
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Rotate the logs of containers
  alchemorsel.ai.docker_daemon_config:
    record: /var/lib/alchemorsel/docker-daemon.json
    defaults:
      log-driver: json-file
      log-opts: {max-size: 10m, max-file: "3"}
    engine: "26.1.5"
"""

RETURN = r"""
backup_file: {description: Copy of the file as it was., returned: when a file was replaced, type: str}
record_before: {description: What was ours before this run., returned: success, type: dict}
config: {description: The whole configuration as it is now., returned: success, type: dict}
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils import docker_pending, survey_engine
from ansible_collections.alchemorsel.ai.plugins.module_utils.docker_daemon import (
    BadConfigError,
    Tree,
    merge,
    plan,
    read_object,
    subtract,
)
from ansible_collections.alchemorsel.ai.plugins.module_utils.docker_engine import objections
from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import within_deadline


def render(tree: Tree) -> str:
    """Return the tree as the text of a configuration file."""
    return json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _replace(module: AnsibleModule, path: Path, text: str) -> None:
    """Replace a file, keeping its mode and owner; no text removes it. A missing folder is made, a link is followed."""
    if not text and not path.is_symlink():
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    module.atomic_move(_draft(module, text or render({})), str(path.resolve()))


def _draft(module: AnsibleModule, text: str) -> str:
    """Write a file that the module's end removes, and return its path."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=module.tmpdir, delete=False) as draft:
        draft.write(text)
    return draft.name


def _refuse_what_the_engine_refuses(module: AnsibleModule, text: str) -> None:
    """Fail where the engine would not start with the text as its configuration."""
    if not (text and module.params["engine"]):
        return
    path = _draft(module, text)
    refused = objections(within_deadline(module), module.params["engine"], module.params["command"], Path(path))
    if refused:
        told = refused.replace(path, module.params["path"])
        module.fail_json(msg=f"the new {module.params['path']} would not be accepted, so nothing was changed: {told}")


def _remember_what_is_in_force(module: AnsibleModule, path: Path, current: Tree) -> None:
    """Write down what the running engine has read, so that later runs find what it has not taken up."""
    unit = survey_engine.read_units(within_deadline(module))[survey_engine.UNIT]
    if not module.params["taken_up"] or unit["active"] != "active":
        return
    stamp = Path(module.params["taken_up"])
    modified = path.stat().st_mtime if path.exists() else 0.0
    taken_up = docker_pending.in_force(stamp, unit["invocation"], unit["since"], current, modified)
    docker_pending.remember(stamp, unit["invocation"], taken_up)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "record": {"type": "path", "required": True},
            "defaults": {"type": "dict", "default": {}},
            "options": {"type": "dict", "default": {}},
            "engine": {"type": "str"},
            "command": {"type": "list", "elements": "str", "default": []},
            "taken_up": {"type": "path"},
            "backup": {"type": "bool", "default": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    params = module.params
    path, record = Path(params["path"]), Path(params["record"])
    try:
        current, applied = read_object(path), read_object(record)
    except BadConfigError as error:
        module.fail_json(msg=str(error))
    if params["state"] == "present":
        config, ours = plan(current, applied, params["defaults"], params["options"])
    else:
        config, ours = subtract(current, applied), {}

    # Compared as data: a file that somebody formatted in another way is not rewritten for its looks.
    result: dict[str, Any] = {"changed": config != current, "config": config, "record_before": applied}
    if result["changed"]:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        after = render(config) if config else ""
        result["diff"] = {"before": before, "after": after, "before_header": str(path), "after_header": str(path)}
        _refuse_what_the_engine_refuses(module, after)
        if not module.check_mode:
            # A run that is cut off here finds its settings in the record again, and not as somebody else's.
            _replace(module, record, render(merge(ours, applied)) if ours or applied else "")
            if params["backup"] and path.exists():
                result["backup_file"] = module.backup_local(str(path))
            _remember_what_is_in_force(module, path, current)
            _replace(module, path, after)
    if not module.check_mode and ours != applied:
        _replace(module, record, render(ours) if ours else "")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
