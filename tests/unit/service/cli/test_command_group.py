"""The command line of `alchemorsel`: its own options anywhere, help where no command is chosen."""

from __future__ import annotations

import pytest

from ai_service.cli.command_group import split_own_options
from tests.unit.service.cli.typed import run


@pytest.mark.parametrize(
    ("typed", "own", "others"),
    [
        (["status", "--host", "a"], ["--host", "a"], ["status"]),
        (["-H", "a", "status", "--json"], ["-H", "a"], ["status", "--json"]),
        (["logs", "--host=a", "-n", "5"], ["--host=a"], ["logs", "-n", "5"]),
        (["status", "--ca-file", "f", "--ssh-config", "s"], ["--ca-file", "f", "--ssh-config", "s"], ["status"]),
        (["exec", "--host", "a", "--", "x", "--host", "b"], ["--host", "a"], ["exec", "--", "x", "--host", "b"]),
        (["status", "--host"], ["--host"], ["status"]),
        (["--hostile"], [], ["--hostile"]),
    ],
)
def test_own_options_are_found_anywhere(typed: list[str], own: list[str], others: list[str]) -> None:
    """With their values; what follows `--` is another program's."""
    assert split_own_options(typed) == (own, others)


@pytest.mark.parametrize("typed", [[], ["cache"], ["models"], ["ask"]])
def test_without_a_command_the_help_is_shown(typed: list[str]) -> None:
    """And nothing is wrong: the exit status is 0."""
    done = run(*typed)
    assert done.exit_code == 0
    assert "Usage: alchemorsel" in done.stdout


@pytest.mark.parametrize("typed", [["-h"], ["cache", "-h"], ["ask", "chat", "-h"], ["status", "-h"]])
def test_the_short_option_shows_the_help_of_each_command(typed: list[str]) -> None:
    """As `--help` does."""
    long = [*typed[:-1], "--help"]
    assert run(*typed).stdout == run(*long).stdout


def test_an_own_option_without_a_value_takes_no_command_for_one() -> None:
    """`status --host` is wrong usage, and not the host `status`."""
    done = run("status", "--host")
    assert done.exit_code == 2
    assert "Option '--host' requires a value." in done.stderr
