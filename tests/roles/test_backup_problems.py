"""What the role backup refuses before it changes anything."""

from __future__ import annotations

from typing import Any

import pytest

from tests.roles.templates import evaluate, role_variables

ELSEWHERE = "sftp:keeper@store:/srv/backups"
PASSWORD = "a-password-long-enough"


def problems(others: dict[str, dict[str, Any]] | None = None, **chosen: Any) -> list[str]:
    """Return the problems reported by the role on host `a` of a play, with these variables.

    Args:
        others: Variables of the other hosts of the play, by name.
        chosen: Variables of host `a`.
    """
    hosts = {"a": chosen, **(others or {})}
    variables = {
        **role_variables("backup"),
        **chosen,
        "inventory_hostname": "a",
        "ansible_play_hosts_all": list(hosts),
        "hostvars": {name: {"inventory_hostname": name, **known} for name, known in hosts.items()},
    }
    found: list[str] = evaluate(variables["__backup_problems"], variables)
    return found


def test_defaults_are_no_problem() -> None:
    """A folder of each host's own, of the same name on all of them."""
    assert problems(others={"b": {}, "c": {"backup_repository": "/var/backups/alchemorsel"}}) == []


def test_hosts_do_not_share_a_repository() -> None:
    """One that thins out its backups locks the others out, so in a play of them all some would fail by chance."""
    said = problems({"b": {"backup_repository": ELSEWHERE}}, backup_repository=ELSEWHERE, backup_password=PASSWORD)
    assert said == [f"backup_repository is also that of b: give each host one of its own, for example {ELSEWHERE}/a"]


def test_each_host_may_have_a_place_on_the_same_machine() -> None:
    """As the README has it."""
    other = {"backup_repository": f"{ELSEWHERE}/b"}
    assert problems({"b": other}, backup_repository=f"{ELSEWHERE}/a", backup_password=PASSWORD) == []


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"backup_repository": ELSEWHERE}, "backup_password has to be given"),
        ({"backup_password": "short"}, "16 characters or more"),
        ({"backup_paths": []}, "names nothing to back up"),
        ({"backup_paths": ["etc"]}, "absolute paths, not etc"),
        ({"backup_keep_days": 0}, "must be 1 or more"),
        ({"backup_environment": {"a b": "c"}}, "names that are none: a b"),
    ],
)
def test_mistakes_are_told(chosen: dict[str, Any], said: str) -> None:
    """Each with what would be right."""
    (told,) = problems(**chosen)
    assert said in told
