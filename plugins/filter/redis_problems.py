"""Filters that find what keeps a host from being a Redis server, and list the passwords of its users."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.text.formatters import human_to_bytes
from ansible_collections.alchemorsel.ai.plugins.filter.platform import platform_problems
from ansible_collections.alchemorsel.ai.plugins.filter.preflight_redis import OWN_UNIT
from ansible_collections.alchemorsel.ai.plugins.filter.preflight_redis import redis_problems as survey_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_MIB = 1024**2
_PASSWORD = re.compile(r"(\S{16,})?")
"""Empty, or long and without white space."""
_FORMER_UNIT = "redis-server.service"
"""What revisions before the instance ran."""


def needed_mb(maxmemory: str, *, has_snapshots: bool) -> int:
    """Return the memory that a server needs in MiB.

    Beside the data: buffers, fragmentation, and pages that change while a snapshot is written, all of them at worst.
    """
    needed: int = round(human_to_bytes(maxmemory.removesuffix("b")) / _MIB * (2.0 if has_snapshots else 1.25))
    return needed


def problems(
    facts: Mapping[str, Any],
    server: Mapping[str, Any],
    password: str,
    maxmemory: str,
    save_points: Sequence[str],
    *,
    tls_files: Sequence[str],
) -> list[str]:
    """Return all problems at once.

    Args:
        facts: The host's `ansible_facts`.
        server: What the module redis_facts returned.
        password: Of the service; empty for a generated one.
        maxmemory: Limit of the data, `256mb`.
        save_points: When snapshots are written; empty for never.
        tls_files: Certificate and key on the controller; empty without TLS.
    """
    needed, memory = needed_mb(maxmemory, has_snapshots=bool(save_points)), server["memory_mb"]
    refused: list[str] = platform_problems(facts)
    if not _PASSWORD.fullmatch(password):
        refused.append(
            "redis_service_password needs 16 characters or more and no white space; leave it empty to have one "
            "generated"
        )
    if not all(tls_files):
        refused.append(
            "redis_tls needs redis_tls_certificate_file and redis_tls_key_file, files on the controller in PEM format"
        )
    refused += [f"{each['problem']}: {each['remedy']}" for each in survey_problems(server["survey"])]
    own = {OWN_UNIT, *([_FORMER_UNIT] if server["survey"]["former"] else [])}
    refused += [
        f"port {listener['port']} is held by {listener['owner']}: set redis_port to a free one, or leave it unset"
        for listener in server["listeners"][:1]
        if listener["owner"] not in own
    ]
    if needed > memory:
        refused.append(
            f"redis_maxmemory {maxmemory} needs {needed} MiB with its buffers"
            f"{' and the copies that a snapshot makes' if save_points else ''}, but the host has {memory} MiB: lower it"
        )
    return refused


def passwords(users: Iterable[Mapping[str, Any]], administrator: str, *, renew: bool) -> list[dict[str, Any]]:
    """Return the users as the module redis_password takes them.

    Args:
        users: Name, password file, and the password where one is given.
        administrator: The user whose password is never renewed.
        renew: Whether the others get another password.
    """
    return [
        {
            "name": user["name"],
            "path": user["password_file"],
            "password": user.get("password", ""),
            "renew": renew and user["name"] != administrator,
        }
        for user in users
    ]


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {"redis_problems": problems, "redis_passwords": passwords}
