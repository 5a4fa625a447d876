"""Groups of commands: alone they show their help, and `alchemorsel` takes its own options anywhere on the line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
_VALUED = ("--host", "-H", "--ca-file", "--ssh-config")
"""Options of `alchemorsel` itself, each with a value."""


class CommandGroup(TyperGroup):
    """Commands of which one has to be chosen; without any, the help is shown and the exit status is 0."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; see TyperGroup, whose types belong to the click bundled with typer."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)


class RootGroup(CommandGroup):
    """The commands of `alchemorsel`; keeps what was typed after the options of `alchemorsel` itself."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, the group's own options first."""
        own, others = split_own_options(args)
        if own and own[-1] in _VALUED and not ctx.resilient_parsing:
            raise typer.BadParameter(f"Option '{own[-1]}' requires a value.", ctx=ctx)
        return super().parse_args(ctx, own + others)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Resolve the command; see TyperGroup."""
        ctx.meta["typed"] = list(args)
        return super().resolve_command(ctx, args)


def split_own_options(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split the options of `alchemorsel` itself from a command line.

    Args:
        arguments: As typed. What follows `--` is another program's, and is left alone.

    Returns:
        Its own options with their values, and all other words. An option at the end of the former has no value.
    """
    own: list[str] = []
    others: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            others += [word, *words]
        elif word in _VALUED:
            own += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word.split("=", 1)[0] in _VALUED and word.startswith("--"):
            own.append(word)
        else:
            others.append(word)
    return own, others
