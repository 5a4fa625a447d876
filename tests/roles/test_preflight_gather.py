"""Why a host told nothing of itself, in words that an operator can act on."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.preflight_gather import gather_problems


def judge(**result: Any) -> tuple[str, str]:
    """Return the problem and the way out of the one problem."""
    (problem,) = gather_problems(result, "ai-1", "inventories/prod")
    return problem["problem"], problem["remedy"]


def test_host_that_told_of_itself_is_no_problem() -> None:
    """However much is wrong with it otherwise."""
    assert gather_problems({"survey": {}}, "ai-1", "inventories/prod") == []


def test_host_that_is_not_reached_is_told_with_sshs_words() -> None:
    """As SSH says it."""
    problem, _remedy = judge(unreachable=True, msg="ssh: connect to host ai-1 port 22: Connection refused ")
    assert problem == "no connection (ssh: connect to host ai-1 port 22: Connection refused)"


@pytest.mark.parametrize(
    "said",
    [
        {
            "rc": 127,
            "module_stderr": "/bin/sh: 1: /usr/bin/python3: not found\n",
            "msg": "The module failed to execute.",
        },
        {"rc": 127, "module_stdout": "/bin/sh: 1: exec: /usr/bin/python3: not found\r\n", "msg": "MODULE FAILURE"},
        {"msg": "The module interpreter '/usr/bin/python3' was not found."},
        {"module_stderr": "env: 'python3': No such file or directory"},
    ],
)
def test_missing_python_is_told_with_a_command_to_type(said: dict[str, Any]) -> None:
    """Of this host and this inventory."""
    problem, remedy = judge(failed=True, **said)
    assert problem == "python3 is missing"
    assert "ansible ai-1 -i inventories/prod -b -m ansible.builtin.raw -a 'apt-get install -y python3'" in remedy


@pytest.mark.parametrize(
    ("said", "problem", "remedy"),
    [
        ({"msg": "Task failed: Missing sudo password"}, "need a password", "--ask-become-pass"),
        ({"msg": "Incorrect sudo password"}, "need a password", "--ask-become-pass"),
        ({"module_stderr": "sudo: a password is required"}, "need a password", "--ask-become-pass"),
        ({"module_stderr": "ops is not in the sudoers file."}, "may not become root", "sudo"),
        ({"module_stderr": "/bin/sh: 1: sudo: not found"}, "ansible_become_method", "install sudo"),
        ({"module_stderr": "OSError: [Errno 28] No space left on device"}, "full", "ansible_remote_tmp"),
        ({"msg": "Failed to create temporary directory. ... mkdir: Permission denied"}, "noexec", "ansible_remote_tmp"),
        ({"module_stderr": "[Errno 30] Read-only file system: '/srv/x'"}, "read-only", "dmesg"),
    ],
)
def test_other_reason_has_words_of_its_own(said: dict[str, Any], problem: str, remedy: str) -> None:
    """And a way out of its own."""
    told = judge(failed=True, **said)
    assert problem in told[0]
    assert remedy in told[1]


def test_unknown_reason_is_told_as_it_came() -> None:
    """Its last line, which has the error, not the whole traceback."""
    problem, _remedy = judge(failed=True, module_stderr="Traceback:\n  ...\nValueError: odd\n", msg="MODULE FAILURE")
    assert problem == "its facts could not be gathered (ValueError: odd)"
    assert judge(failed=True, msg="paths must be absolute")[0].endswith("(paths must be absolute)")
    assert judge(failed=True)[0].endswith("(no reason given)")
