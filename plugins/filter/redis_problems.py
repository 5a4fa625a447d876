"""Filters that find what keeps a host from being a Redis server, and list the passwords of its users."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.text.formatters import human_to_bytes
from ansible_collections.alchemorsel.ai.plugins.filter.platform import platform_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_MIB = 1024**2
_PASSWORD = re.compile(r"(\S{16,})?")
"""Empty, or long and without white space."""


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
    data: str,
    own_settings: str,
) -> list[str]:
    """Return all problems at once.

    The role's own server writes no snapshot unless told so: data in another server belongs to somebody.

    Args:
        facts: The host's `ansible_facts`.
        server: What the module redis_facts returned.
        password: Of the service; empty for a generated one.
        maxmemory: Limit of the data, `256mb`.
        save_points: When snapshots are written; empty for never.
        tls_files: Certificate and key on the controller; empty without TLS.
        data: The snapshot of a server.
        own_settings: A file that only this role's server has.
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
    if server["version"] and data in server["exists"] and own_settings not in server["exists"]:
        refused.append(
            f"a Redis that this role did not set up keeps data in {data}, and would become a cache that throws entries "
            "away: use another host, or move that file away if it is not needed"
        )
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
