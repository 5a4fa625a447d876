"""The exit statuses that the help lists are those that there are."""

from __future__ import annotations

from ai_service.cli.__main__ import STATUSES
from ai_service.cli.errors import CliError
from tests.unit.service.cli.typed import run


def declared(kind: type[CliError]) -> set[int]:
    """Return the statuses of an error and of those that are more special."""
    return {kind.status}.union(*map(declared, kind.__subclasses__()))


def test_every_status_of_an_error_is_listed() -> None:
    """Beside those of the operating system's, of typer and of ssh."""
    assert declared(CliError) | {0, 2, 130, 255} == set(STATUSES)


def test_help_lists_them_all() -> None:
    """A line each."""
    lines = [line.split() for line in run("--help").stdout.splitlines()]
    assert [line for line in lines if line and line[0].isdigit()] == [
        [str(status), *meaning.split()] for status, meaning in STATUSES.items()
    ]
