#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: have a running Redis take up its users again, without a restart, which would cost the cache."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped]  # Ansible ships no types
from ansible_collections.alchemorsel.ai.plugins.module_utils.redis_link import OPTIONS, LinkError, connect, password_in

DOCUMENTATION = r"""
module: redis_users_load
short_description: Have a running Redis read its ACL file again
description:
  - Logs in as the user who may do that and nothing else.
  - A server that does not know this user yet, or does not run, is no failure; it needs a restart.
extends_documentation_fragment: [alchemorsel.ai.redis_link]
options:
  stamp:
    description: File whose time tells when the users were loaded. Its folder goes when the server stops.
    type: path
    required: true
author: Alchemorsel contributors
"""

EXAMPLES = r"""
- name: Take up the users
  redis_users_load:
    user: alchemorsel-admin
    password_file: /etc/alchemorsel/secrets/redis_admin_password
    stamp: /run/redis/alchemorsel-users-loaded
"""

RETURN = r"""
loaded: {description: Whether the server has the users of its file now., returned: success, type: bool}
why_not: {description: "What it answered instead.", returned: when not loaded, type: str}
"""

UNKNOWN_YET = ("-WRONGPASS", "-NOPERM", "-NOAUTH")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **OPTIONS,
            "stamp": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    params = module.params
    if module.check_mode:
        module.exit_json(changed=True, loaded=True)
    try:
        with connect(params) as link:
            answer = link.command("AUTH", params["user"], password_in(params["password_file"]))
            if answer == "OK":
                answer = link.command("ACL", "LOAD")
    except (LinkError, OSError) as error:
        module.exit_json(changed=True, loaded=False, why_not=str(error))
    if answer.startswith(UNKNOWN_YET):
        module.exit_json(changed=True, loaded=False, why_not=answer)
    if answer != "OK":
        module.fail_json(msg=f"the server refuses its users: {answer}")
    Path(params["stamp"]).touch()
    module.exit_json(changed=True, loaded=True)


if __name__ == "__main__":
    main()
