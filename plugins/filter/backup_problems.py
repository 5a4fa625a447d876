"""A filter that finds what keeps a host from being backed up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_LEAST_PASSWORD_LENGTH = 16


def problems(
    repository: str,
    password: str,
    paths: Sequence[str],
    keep_days: int,
    environment: Mapping[str, Any],
    *,
    sharing: Sequence[str],
    host: str,
) -> list[str]:
    """Return all problems at once.

    Args:
        repository: Where backups go, as restic names it.
        password: Of the repository; empty for a generated one.
        paths: What is backed up.
        keep_days: For how many days.
        environment: Credentials of the repository by variable.
        sharing: Other hosts of the play with the same repository. Each host thins out its backups after taking one,
            which locks the others out.
        host: This host.
    """
    is_local = repository.startswith("/")
    relative = [path for path in paths if not re.match("/[^/]", path)]
    misnamed = [name for name in environment if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)]
    refused: list[str] = []
    if not is_local and not password:
        refused.append(
            "backup_repository is on another machine, so backup_password has to be given, from a vault: one that only "
            "this host knows would be lost with it"
        )
    if not is_local and sharing:
        refused.append(
            f"backup_repository is also that of {', '.join(sorted(sharing))}: give each host one of its own, for "
            f"example {repository}/{host}"
        )
    if 0 < len(password) < _LEAST_PASSWORD_LENGTH:
        refused.append("backup_password needs 16 characters or more")
    if not paths:
        refused.append("backup_paths names nothing to back up")
    if relative:
        refused.append(f"backup_paths has to name absolute paths, not {', '.join(relative)}")
    if keep_days < 1:
        refused.append(f"backup_keep_days is {keep_days}: it must be 1 or more")
    if misnamed:
        refused.append(f"backup_environment has names that are none: {', '.join(misnamed)}")
    return refused


class FilterModule:
    """Ansible's entry point to the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by the name that templates use."""
        return {"backup_problems": problems}
