"""A filter for the hosts of a play that has to run from its first task on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible import context
from ansible.errors import AnsibleFilterError

if TYPE_CHECKING:
    from collections.abc import Callable


def from_first_task(hosts: str) -> str:
    """Return a play's hosts as they are; refuse a run with `--start-at-task` before it connects to any.

    The tasks before that one read the hosts, and later ones need what they found.

    Args:
        hosts: The play's pattern.

    Raises:
        AnsibleFilterError: The run has that option; it says what to use instead.
    """
    if context.CLIARGS.get("start_at_task"):
        raise AnsibleFilterError(
            "--start-at-task skips tasks that read the hosts, whose results later tasks need. Nothing was changed. "
            "Use --tags with the name of a role or <role>_<phase> instead, such as --tags ollama_run"
        )
    return hosts


class FilterModule:
    """Ansible's entry point to the filter."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filter by the name that templates use."""
        return {"from_first_task": from_first_task}
