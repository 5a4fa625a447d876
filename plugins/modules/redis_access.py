#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: prove that Redis lets the service's user in, and nobody and nothing else."""

from __future__ import annotations

import uuid
from typing import Any

from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped]  # Ansible ships no types
from ansible_collections.alchemorsel.ai.plugins.module_utils.redis_link import OPTIONS, LinkError, connect, password_in

DOCUMENTATION = r"""
module: redis_access
short_description: Try what a user of Redis may and may not do
description:
  - Connects without a password and expects to be refused, connects as the user, writes, reads, counts and removes a key
    of its own, and expects to be refused outside of its keys and for commands that manage the server.
  - Compares the memory limit and the eviction policy of the running server with what is wanted.
  - The password goes from its file to the server; it is on no command line and in no result.
  - In check mode nothing is tried.
extends_documentation_fragment: [alchemorsel.ai.redis_link]
options:
  key:
    description: A key that the user may touch; it is written and removed, so it should be one that nobody uses.
    type: str
    required: true
  policy:
    description: The eviction policy that the server should have.
    type: str
    required: true
  users:
    description: Further users by name and password_file; each has to be let in, and no further.
    type: list
    elements: dict
    default: []
author: Alchemorsel contributors
"""

EXAMPLES = r"""
- name: Try the user of the service
  redis_access:
    user: alchemorsel
    password_file: /etc/alchemorsel/secrets/redis_password
    key: ai:selftest
    policy: allkeys-lru
"""

RETURN = r"""
tried: {description: What was tried and came out as it should., returned: success, type: list, elements: str}
"""

REFUSED = ("-NOPERM", "-NOAUTH", "-WRONGPASS")
# One for each way to harm: read the configuration, lose the data, change who may come in, watch others, write files.
FORBIDDEN = (("CONFIG", "GET", "dir"), ("FLUSHALL",), ("ACL", "LIST"), ("MONITOR",), ("SAVE",), ("KEYS", "*"))

COUNT = "local n = redis.call('incrby', KEYS[1], 1); redis.call('pexpire', KEYS[1], 60000); return n"
"""Counts requests as the service does for API keys; the key is gone after a minute, should the trial break off."""


class AccessError(Exception):
    """The server answered other than it should."""


class Trial:
    """What is tried on one server.

    Args:
        link: How to connect, as values of redis_link's options.
    """

    def __init__(self, link: dict[str, Any]) -> None:
        self._link = link
        self.tried: list[str] = []

    def perform(self, user: str, password: str, key: str, policy: str) -> None:
        """Try everything.

        Raises:
            AccessError: Something came out other than it should.
            OSError: The server does not answer.
        """
        with connect(self._link) as anonymous:
            self._refused("PING without a password", anonymous.command("PING"))
            self._refused("a wrong password", anonymous.command("AUTH", user, uuid.uuid4().hex))
            self._refused("the user default without a password", anonymous.command("AUTH", "default", ""))
        with connect(self._link) as service:
            value = uuid.uuid4().hex
            self._equal(f"log in as {user}", service.command("AUTH", user, password), "OK")
            self._equal(f"SET {key}", service.command("SET", key, value, "EX", "60"), "OK")
            self._equal(f"GET {key}", service.command("GET", key), value)
            self._equal(f"DEL {key}", service.command("DEL", key), "1")
            counting = service.command("SCRIPT", "LOAD", COUNT)
            self._equal("count by a script", service.command("EVALSHA", counting, "1", key), "1")
            self._equal(f"DEL {key} again", service.command("DEL", key), "1")
            self._refused("SET of a key outside", service.command("SET", f"outside:{value}", value))
            self._refused("GET of a key outside", service.command("GET", f"outside:{value}"))
            self._refused("RENAME to a key outside", service.command("RENAME", key, f"outside:{value}"))
            for words in FORBIDDEN:
                self._refused(" ".join(words[:2]), service.command(*words))
            self._limits(service.command("INFO", "memory"), policy)

    def log_in_only(self, user: str, password: str) -> None:
        """Log in as a further user, who may not change who else comes in.

        Raises:
            AccessError: Refused, or too much allowed.
        """
        with connect(self._link) as other:
            self._equal(f"log in as {user}", other.command("AUTH", user, password), "OK")
            self._refused(f"ACL SETUSER by {user}", other.command("ACL", "SETUSER", user, "allcommands"))

    def _refused(self, what: str, reply: str) -> None:
        if not reply.startswith(REFUSED):
            raise AccessError(f"{what} should be refused, but the server answered: {reply}")
        self.tried.append(f"refused: {what}")

    def _equal(self, what: str, reply: str, expected: str) -> None:
        if reply != expected:
            raise AccessError(f"{what} should work, but the server answered: {reply}")
        self.tried.append(what)

    def _limits(self, info: str, policy: str) -> None:
        figures = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
        if int(figures.get("maxmemory", "0")) == 0:
            raise AccessError("the running server has no memory limit")
        self._equal("the eviction policy", figures.get("maxmemory_policy", ""), policy)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **OPTIONS,
            "key": {"type": "str", "required": True, "no_log": False},
            "policy": {"type": "str", "required": True},
            "users": {"type": "list", "elements": "dict", "default": []},
        },
        supports_check_mode=True,
    )
    params = module.params
    if module.check_mode:
        module.exit_json(changed=False, skipped=True, msg="check mode tries nothing")
    trial = Trial(params)
    try:
        trial.perform(params["user"], password_in(params["password_file"]), params["key"], params["policy"])
        for user in params["users"]:
            trial.log_in_only(user["name"], password_in(user["password_file"]))
    except (AccessError, LinkError, OSError) as error:
        module.fail_json(msg=f"Redis on {params['host']} port {params['port']}: {error}", tried=trial.tried)
    module.exit_json(changed=False, tried=trial.tried)


if __name__ == "__main__":
    main()
