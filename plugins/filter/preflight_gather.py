"""Filter that says in an operator's words why a host's facts could not be gathered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Problem = dict[str, str]
COMMAND = "ansible {host} -i {inventory} -b -m ansible.builtin.raw -a 'apt-get install -y python3'"
CAUSES = (
    (
        r"(python[\w.]*|interpreter).*(not found|No such file)|No python interpreters found",
        "python3 is missing",
        f"install it: {COMMAND}",
    ),
    (
        r"(Missing|Incorrect|Timeout).*(sudo|become|su|doas) password|a password is required|password prompt",
        "root's rights need a password, which is missing or wrong",
        "pass --ask-become-pass, set ansible_become_password in the vault, or let the user run sudo without one",
    ),
    (
        r"is not in the sudoers|not allowed to (execute|run)|may not run sudo",
        "the user may not become root",
        "let the user run sudo, or name another one in ansible_user",
    ),
    (
        r"(sudo|su|doas): (command )?not found|(sudo|doas)['\"]?: No such file",
        "the program that gives root's rights (ansible_become_method) is missing",
        "install sudo, or log in as root",
    ),
    (
        r"No space left on device|Disk quota exceeded",
        "the file system of temporary files is full",
        "free space in /tmp and /var/tmp, or name another folder in ansible_remote_tmp",
    ),
    (
        r"Read-only file system",
        "a file system is mounted read-only",
        "see to the disk (`dmesg`), and mount it to be written",
    ),
    (
        r"Failed to create temporary directory|Permission denied",
        "the user may not write or execute in the folder of temporary files (mounted noexec?)",
        "name another folder in ansible_remote_tmp",
    ),
)
"""What Ansible, the shell or sudo says; the problem; the way out."""


def gather_problems(result: Mapping[str, Any], host: str, inventory: str) -> list[Problem]:
    """Return why a host told nothing of itself; nothing where it did.

    Args:
        result: What the module preflight_facts returned, or what came in its place.
        host: The host's name in the inventory.
        inventory: Path of the inventory, for a command that can be typed.
    """
    if result.get("unreachable"):
        return [
            {
                "problem": f"no connection ({str(result.get('msg', '')).strip()})",
                "remedy": "see to its address, its SSH and your key in the inventory, and run it again",
            }
        ]
    if "survey" in result:
        return []
    told = "\n".join(str(result.get(part) or "") for part in ("msg", "module_stderr", "module_stdout", "exception"))
    for pattern, problem, remedy in CAUSES:
        if re.search(pattern, told):
            return [{"problem": problem, "remedy": remedy.format(host=host, inventory=inventory)}]
    said = str(result.get("module_stderr") or "").strip() or str(result.get("msg") or "").strip()
    return [
        {
            "problem": f"its facts could not be gathered ({said.splitlines()[-1] if said else 'no reason given'})",
            "remedy": "fix that first; the failed task above has the whole message",
        }
    ]


class FilterModule:
    """Ansible's entry point to the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by the name that templates use."""
        return {"preflight_gather_problems": gather_problems}
