"""What runs on the control node runs there as whoever started the play, whatever an inventory says of `all`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.roles.ansible_module import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LOCAL = {
    "ansible_become": False,
    "ansible_connection": "local",
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
}
"""A keyword gives way to a variable of the inventory, which `all.vars` sets for the control node too."""
HERE = {"localhost", "127.0.0.1"}
NOT_TASKS = {"collections", "vars", "defaults", "meta", "inventory", "files", "templates"}
FILES = sorted(
    path
    for folder in ("playbooks", "roles", "molecule")
    for path in (ROOT / folder).rglob("*.yml")
    if not NOT_TASKS & set(path.relative_to(ROOT).parts) and path.name != "molecule.yml"
)


def entries(content: Any) -> Iterator[Mapping[str, Any]]:
    """Yield plays and tasks, blocks opened."""
    for entry in content if isinstance(content, list) else []:
        yield entry
        for part in ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            yield from entries(entry.get(part))


def is_local(entry: Mapping[str, Any]) -> bool:
    """Return whether a play or a task runs on the control node."""
    return bool({entry.get("hosts"), entry.get("delegate_to")} & HERE) or "local_action" in entry


def test_there_are_local_tasks() -> None:
    """In playbooks and in roles; without any every other test here would pass."""
    found = {path.relative_to(ROOT).parts[0] for path in FILES for entry in entries(load(path)) if is_local(entry)}
    assert found == {"playbooks", "roles", "molecule"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_local_task_asks_for_no_rights_and_no_connection(path: Path) -> None:
    """`ansible_become: true` under all.vars would have it ask for sudo's password on the control node."""
    for entry in filter(is_local, entries(load(path))):
        assert {name: entry.get("vars", {}).get(name) for name in LOCAL} == LOCAL, entry["name"]


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks").glob("*.yml")), ids=lambda path: path.name)
def test_every_play_names_the_strategy_that_it_needs(path: Path) -> None:
    """Hosts that do not wait for each other have no common report, and no order of plays."""
    plays = [play for play in load(path) if "hosts" in play]
    assert [play["name"] for play in plays if play.get("strategy") != "ansible.builtin.linear"] == []


def load(path: Path) -> Any:
    """Return what a YAML file holds."""
    return yaml.safe_load(path.read_text())
