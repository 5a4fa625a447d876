#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: keep a password in a file on the host, and give away nothing but its hash."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped]  # Ansible ships no types

DOCUMENTATION = r"""
module: redis_password
short_description: Keep a password in a file, generated on the host where none is given
description:
  - Makes sure that a file holds a password, readable by root only. A folder that is missing is made, for root only.
  - Returns the SHA-256 digest, which is what Redis's ACL file takes, so that the password itself stays on the host.
options:
  path:
    description: The file.
    type: path
    required: true
  password:
    description: The password. Empty keeps the one in the file, or generates one of 256 bits.
    type: str
    default: ""
author: Alchemorsel contributors
"""

EXAMPLES = r"""
- name: Have a password
  redis_password:
    path: /etc/alchemorsel/secrets/redis_password
  register: __secret
"""

RETURN = r"""
sha256:
  description: Hexadecimal digest of the password; zeros in check mode where the password is yet to be generated.
  returned: success
  type: str
"""

ENTROPY_BYTES = 32


def stored_password(path: Path) -> str:
    """Return the password in a file, empty where there is none."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def digest(password: str) -> str:
    """Return the hash of a password as Redis's ACL file takes it after `#`."""
    return hashlib.sha256(password.encode()).hexdigest()


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "password": {"type": "str", "default": "", "no_log": True},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    before = stored_password(path)
    password = module.params["password"] or before
    written = not password or password != before
    if written and not module.check_mode:
        password = password or secrets.token_urlsafe(ENTROPY_BYTES)
        # Missing parents get the usual mode, the folder itself is root's only. One that exists is left as it is.
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=module.tmpdir, delete=False) as draft:
            draft.write(password + "\n")
        module.atomic_move(draft.name, str(path))
    changed = written
    if path.exists():  # mends what somebody opened up, too
        for adjust, value in (
            (module.set_mode_if_different, "0600"),
            (module.set_owner_if_different, "root"),
            (module.set_group_if_different, "root"),
        ):
            changed = adjust(str(path), value, changed)
    module.exit_json(
        changed=changed,
        sha256=digest(password) if password else "0" * 64,
        diff={
            "before": f"{path}: {'a password' if before else 'absent'}\n",
            "after": f"{path}: {'another password' if before and written else 'a password'}\n",
        },
    )


if __name__ == "__main__":
    main()
