#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: look at the folder of the models, and write in it as its owner."""

from __future__ import annotations

import grp
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped]  # Ansible ships no types

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[[list[str]], tuple[int, str, str]]

DOCUMENTATION = r"""
module: model_volume_selftest
short_description: Look at the folder of the models, and write in it as its owner
description:
  - Says whether the folder is there with the wanted owner, group and mode. Where it is, or where the trial is required,
    a file is written, synced and removed by a process with the owner's rights and no others; that fails where a parent
    folder is closed to it.
  - In check mode nothing is written.
options:
  path:
    description: The folder.
    type: path
    required: true
  owner:
    description: Its owner, name or number; a number needs no account.
    type: str
    required: true
  group:
    description: Its group, name or number.
    type: str
    required: true
  mode:
    description: Its mode, octal.
    type: str
    required: true
  required:
    description: Fail where the owner cannot write. Without it, that is only told.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
author: Alchemorsel contributors
"""

EXAMPLES = r"""
- name: Look at the folder, and write in it
  model_volume_selftest:
    path: /srv/alchemorsel/models
    owner: "59000"
    group: "59000"
    mode: "0755"
  register: __folder
"""

RETURN = r"""
settled: {description: "Whether owner, group and mode are as wanted.", returned: always, type: bool}
written: {description: Whether the owner wrote in it; not tried in check mode., returned: always, type: bool}
"""

DEADLINE_SECONDS = 60
"""For a disk that is busy with models; else it takes milliseconds."""
SIZE = 1024**2
"""Bytes that are written."""
SCRIPT = f"""
file=$(mktemp "$1/.write-test.XXXXXX")
trap 'rm -f "$file"' EXIT
head -c {SIZE} /dev/zero > "$file"
sync "$file"
test "$(stat -c %s "$file")" = {SIZE}
"""


def is_settled(path: Path, owner: str, group: str, mode: str) -> bool:
    """Return whether a folder is there with owner, group (names or numbers) and mode (octal)."""
    if not path.is_dir():
        return False
    found = path.stat()
    try:
        uid = int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid
        gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
        bits = int(mode, 8)
    except (KeyError, ValueError):  # no such account yet; a mode in letters, which what sets it understands
        return False
    return (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (uid, gid, bits)


def complaint(run: Run, path: str, owner: str, group: str) -> str:
    """Write in the folder as its owner, and return what went wrong; nothing where it did not."""
    identity = ["setpriv", f"--reuid={owner}", f"--regid={group}", "--clear-groups"]
    code, said, complained = run([*identity, "sh", "-euc", SCRIPT, "sh", path])
    return "" if code == 0 else (complained or said).strip() or f"status {code}"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "owner": {"type": "str", "required": True},
            "group": {"type": "str", "required": True},
            "mode": {"type": "str", "required": True},
            "required": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    path, owner, group = wanted["path"], wanted["owner"], wanted["group"]
    settled = is_settled(Path(path), owner, group, wanted["mode"])
    result: dict[str, Any] = {"changed": False, "settled": settled, "written": False}
    if module.check_mode or not (settled or wanted["required"]):
        module.exit_json(**result)

    def run(command: list[str]) -> tuple[int, str, str]:
        answer: tuple[int, str, str] = module.run_command(["timeout", str(DEADLINE_SECONDS), *command])
        return answer

    why = complaint(run, path, owner, group)
    if why and wanted["required"]:
        module.fail_json(msg=f"{owner}:{group} cannot write to {path}: {why}", **result)
    module.exit_json(**{**result, "written": not why})


if __name__ == "__main__":
    main()
