"""Shell completion: scripts for the shells, and what completes the names of models and tasks."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.completion import completion_init, get_completion_script  # type: ignore[attr-defined]

from ai_service.cli.api import TASKS
from ai_service.cli.errors import CliError
from ai_service.cli.host_services import SERVICES
from ai_service.cli.ollama import Ollama
from ai_service.cli.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterable

PROGRAM = "alchemorsel"
VARIABLE = "_ALCHEMORSEL_COMPLETE"
_BASH = Path(__file__).with_name("completion.bash")


# Typer does so where it adds its own options for completion, of which `completion` takes the place.
completion_init()


class Shell(StrEnum):
    """The shells that there is a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish", show_default=False, metavar="SHELL")],
) -> None:
    """Print the completion script of a shell, for its startup file: source <(alchemorsel completion bash)."""
    typer.echo(script(shell))


def script(shell: Shell) -> str:
    """Return the script; it asks the installed command for names, so a new release needs no new script."""
    if shell is Shell.BASH:  # Typer's splits names of models at their colon.
        return _BASH.read_text(encoding="utf-8").rstrip("\n")
    return get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell)


def services(incomplete: str) -> list[str]:
    """Complete the name of a service."""
    return _beginning(incomplete, SERVICES)


def tasks(incomplete: str) -> list[str]:
    """Complete the name of a task."""
    return _beginning(incomplete, TASKS)


def models(incomplete: str) -> list[str]:
    """Complete the name of a model on disk; without Ollama there is nothing to complete."""
    return _beginning(incomplete, _models(on_disk=True))


def loaded_models(incomplete: str) -> list[str]:
    """Complete the name of a model in memory."""
    return _beginning(incomplete, _models(on_disk=False))


def _models(*, on_disk: bool) -> list[str]:
    try:
        ollama = Ollama(Site.from_env(os.environ))
        return [str(model["name"]) for model in (ollama.models() if on_disk else ollama.loaded())]
    except (CliError, ValueError, KeyError, TypeError):  # Whatever is wrong, a pressed Tab key is no place to say it.
        return []


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
