"""The question before something is stopped or deleted."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ai_service.cli.errors import ConfirmationMissingError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
"""The option of every command that asks."""


def require_answerable(act: str, *, yes: bool) -> None:
    """Require that the question can be answered: by `--yes`, or on a terminal.

    Args:
        act: What would be done, in words: "stop all services".
        yes: Whether `--yes` was given.

    Raises:
        ConfirmationMissingError: Nobody can be asked.
    """
    if not yes and not sys.stdin.isatty():
        raise ConfirmationMissingError(
            f"Refused to {act} without a confirmation.", hint="Add --yes, or run this on a terminal."
        )


def confirm(act: str, *, yes: bool, loses: str = "") -> None:
    """Ask before something is done.

    Args:
        act: What would be done, in words.
        yes: Whether `--yes` was given; nothing is asked then.
        loses: What it costs, in a sentence.

    Raises:
        ConfirmationMissingError: Nobody can be asked.
        typer.Exit: The answer was no.
    """
    require_answerable(act, yes=yes)
    if yes:
        return
    question = f"{act[0].upper()}{act[1:]}?{f' {loses}' if loses else ''}"
    if not typer.confirm(question, err=True):
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(1)
