"""The names of plays, tasks and handlers are commands: an operator who reads one line of output knows what happens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.roles.ansible_module import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BANNED = {
    "Ask",
    "Begin",
    "Bring",
    "Close",
    "Ensure",
    "Find",
    "Forget",
    "Give",
    "Have",
    "Hold",
    "Keep",
    "Know",
    "Leave",
    "Let",
    "Look",
    "Make",
    "Name",
    "Prove",
    "Put",
    "Refuse",
    "Say",
    "See",
    "Show",
    "Take",
    "Tell",
    "Try",
    "Want",
    "Watch",
}
"""First words that do not say what a module does."""
VAGUE = re.compile(r"\b(it|them|the parts|the whole set)$")
FOLDERS = ("playbooks", "roles", "molecule")
FILES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.yml")
    if not {"collections", "vars", "defaults", "meta", "inventory", "files", "templates"}
    & set(path.relative_to(ROOT).parts)
    and path.name != "molecule.yml"
)


def names(tasks: Any) -> Iterator[str]:
    """Yield the names of plays and tasks, blocks opened."""
    for task in tasks if isinstance(tasks, list) else []:
        yield task["name"]
        for part in ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            yield from names(task.get(part))


def test_there_are_names() -> None:
    """Read from all three folders."""
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(FOLDERS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_name_is_a_command_with_its_object(path: Path) -> None:
    """Begin with the module's verb, and end with a noun; tell two tasks of a file apart."""
    found = list(names(yaml.safe_load(path.read_text())))
    commands = [name.partition("{{")[0].rpartition("| ")[2] or name for name in found]
    assert [command for command in commands if command.split()[0] in BANNED] == []
    assert [command for command in commands if VAGUE.search(command)] == []
    assert [command for command in commands if not command[0].isupper() and not command.startswith("{{")] == []
    assert len(found) == len(set(found))
