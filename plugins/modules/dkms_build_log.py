#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: why DKMS could not build a module."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped]  # Ansible ships no types

DOCUMENTATION = r"""
module: dkms_build_log
short_description: Read from DKMS's log why a module could not be built
description:
  - Finds the newest C(make.log) of modules whose names begin as given, and returns the compiler's errors and its end.
  - Lines are cut, since the compiler's command lines are longer than a screen. Reads only; check mode is no different.
options:
  modules:
    description: Beginnings of names of DKMS modules.
    type: list
    elements: str
    required: true
  folder:
    description: DKMS's folder.
    type: path
    default: /var/lib/dkms
author: Alchemorsel contributors
"""

EXAMPLES = r"""
- name: Read why it failed
  dkms_build_log:
    modules: [nvidia]
  register: __log
"""

RETURN = r"""
path: {description: The log; empty where there is none., returned: success, type: str}
errors: {description: The first lines in which the compiler or make reports an error., returned: success, type: list}
tail: {description: The last lines that are not empty., returned: success, type: list}
"""

ERRORS, TAIL, WIDTH = 8, 6, 200
ERROR = re.compile(r"\b(fatal )?error: |^make(\[\d+\])?: \*\*\* ")


def newest_log(folder: Path, modules: list[str]) -> Path | None:
    """Return the log of the latest build: of one that failed, or of one that came to an end."""
    logs = [
        log
        for pattern in ("*/*/build/make.log", "*/*/*/*/log/make.log")
        for log in folder.glob(pattern)
        if log.relative_to(folder).parts[0].startswith(tuple(modules))
    ]
    return max(logs, key=lambda log: log.stat().st_mtime, default=None)


def reason(text: str) -> dict[str, list[str]]:
    """Return `errors` and `tail` of a log, as documented under RETURN."""
    lines = [line.rstrip()[:WIDTH] for line in text.splitlines() if line.strip()]
    return {"errors": [line for line in lines if ERROR.search(line)][:ERRORS], "tail": lines[-TAIL:]}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "modules": {"type": "list", "elements": "str", "required": True},
            "folder": {"type": "path", "default": "/var/lib/dkms"},
        },
        supports_check_mode=True,
    )
    log = newest_log(Path(module.params["folder"]), module.params["modules"])
    text = log.read_text(encoding="utf-8", errors="replace") if log else ""
    result: dict[str, Any] = {"path": str(log or ""), **reason(text)}
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
