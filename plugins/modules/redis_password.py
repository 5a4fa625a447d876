#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: keep passwords in files on the host, and give away nothing but their hashes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_password
short_description: Write or generate a password file for each user
version_added: 0.1.0
description:
  - Makes sure that each file holds a password, readable by root only. A folder that is missing is made, for root only.
  - Returns SHA-256 digests, which is what Redis's ACL file takes, so that the passwords themselves stay on the host.
options:
  users:
    description: The users.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the user.
        type: str
        required: true
      path:
        description: The file.
        type: path
        required: true
      password:
        description: The password. Empty keeps the one in the file, or generates one of 256 bits.
        type: str
        default: ""
      renew:
        description: Generate another password where none is given; not where a change is under way (O(overlap)).
        type: bool
        default: false
  overlap:
    description:
      - Keep the digest of a password that is replaced, in a file beside it, and return it too, until the next run
        without this. So a server lets both in while its clients change over.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Nothing is written; the digest of a password that is yet to be generated is zeros.
  diff_mode: {support: full, description: "Which files would hold a password, never what they hold."}
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Have a password
  alchemorsel.ai.redis_password:
    users:
      - name: alchemorsel
        path: /etc/alchemorsel/secrets/redis_password
  register: __secrets
"""

RETURN = r"""
sha256:
  description: "By user, hexadecimal digests of the passwords that are valid: the one in the file, and with O(overlap)
    the former one. Zeros in check mode where the password is yet to be generated."
  returned: success
  type: dict
"""

import hashlib
import secrets
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

ENTROPY_BYTES = 32
FORMER = ".former"
"""Ending of the file that keeps the digest of a replaced password."""


def stored(path: Path) -> str:
    """Return what a file holds, empty where there is none."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def digest(password: str) -> str:
    """Return the hash of a password as Redis's ACL file takes it after `#`."""
    return hashlib.sha256(password.encode()).hexdigest()


class Keeper:
    """Keeps the password of one user.

    Args:
        module: Ansible's, which writes files and knows of check mode.
        path: The file of the password.

    Attributes:
        changed: Whether something was, or in check mode would be, written.
        told: What a diff says of it: before and after.
    """

    def __init__(self, module: Any, path: Path) -> None:
        self._module = module
        self._path = path
        self._former = path.with_name(path.name + FORMER)
        self.changed = False
        self.told = ("", "")

    def keep(self, given: str, *, renew: bool, overlap: bool) -> list[str]:
        """Have the password in its file, and return the digests of those that are valid."""
        before, former = stored(self._path), stored(self._former)
        password = given or ("" if renew and not (overlap and former) else before)
        replaced = not password or password != before
        if overlap and before and replaced:
            former = digest(before)
            self._write(self._former, former)
        elif former and not overlap:
            former = ""
            self._delete_former()
        if replaced:
            password = password or ("" if self._module.check_mode else secrets.token_urlsafe(ENTROPY_BYTES))
            self._write(self._path, password)
        self._close(self._path)
        self.told = (
            f"{self._path}: {'a password' if before else 'absent'}\n",
            f"{self._path}: {'another password' if before and replaced else 'a password'}\n",
        )
        return [digest(password) if password else "0" * 64, *([former] if former else [])]

    def _write(self, path: Path, text: str) -> None:
        self.changed = True
        if self._module.check_mode:
            return
        # Missing parents get the usual mode, the folder itself is root's only. One that exists is left as it is.
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self._module.tmpdir, delete=False) as draft:
            draft.write(text + "\n")
        self._module.atomic_move(draft.name, str(path))
        self._close(path)

    def _close(self, path: Path) -> None:
        """Restrict modes and owners that were opened, too."""
        if not path.exists():
            return
        for adjust, value in (
            (self._module.set_mode_if_different, "0600"),
            (self._module.set_owner_if_different, "root"),
            (self._module.set_group_if_different, "root"),
        ):
            self.changed = adjust(str(path), value, self.changed)

    def _delete_former(self) -> None:
        self.changed = True
        if not self._module.check_mode:
            self._former.unlink()


def main() -> None:
    """Run the module."""
    user = {
        "name": {"type": "str", "required": True},
        "path": {"type": "path", "required": True},
        "password": {"type": "str", "default": "", "no_log": True},
        "renew": {"type": "bool", "default": False},
    }
    module = AnsibleModule(
        argument_spec={
            "users": {"type": "list", "elements": "dict", "required": True, "options": user},
            "overlap": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    params = module.params
    digests: dict[str, list[str]] = {}
    keepers: list[Keeper] = []
    for wanted in params["users"]:
        keeper = Keeper(module, Path(wanted["path"]))
        renew = wanted["renew"]
        digests[wanted["name"]] = keeper.keep(wanted["password"], renew=renew, overlap=params["overlap"])
        keepers.append(keeper)
    module.exit_json(
        changed=any(keeper.changed for keeper in keepers),
        sha256=digests,
        diff={
            "before": "".join(keeper.told[0] for keeper in keepers),
            "after": "".join(keeper.told[1] for keeper in keepers),
        },
    )


if __name__ == "__main__":
    main()
