"""What `--help` shows of each program and each of its commands."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import mock

import typer.main

import ai_service.__main__
import ai_service.cli.__main__
import ai_service.web.__main__
import bench.cli
import lab.__main__
import tools.perf.__main__
from tests.golden.running import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BOX = re.compile(r"[╭╮╰╯│─]+")


class _Parsed(Exception):  # noqa: N818 - no error: it carries the parser out of the program
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def parser_of(main: Callable[[list[str]], Any]) -> argparse.ArgumentParser:
    """Return the parser of a program that argparse reads the command line of."""

    def stop(parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        raise _Parsed(parser)

    with mock.patch.dict(os.environ, ENVIRONMENT, clear=True):
        try:
            with mock.patch.object(argparse.ArgumentParser, "parse_args", stop):
                main([])
        except _Parsed as found:
            return found.parser
    raise AssertionError("the program reads no command line")


def argparse_help(main: Callable[[list[str]], Any]) -> str:
    """Return the help of a program that argparse reads the command line of, its commands' included."""
    with mock.patch.dict(os.environ, ENVIRONMENT, clear=True):
        return "\n".join(without_columns(parser.format_help()) for parser in _parsers(parser_of(main)))


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:  # noqa: SLF001 - argparse names the commands nowhere else
        if isinstance(action.choices, dict):
            for command in action.choices.values():
                yield from _parsers(command)


def alchemorsel_help() -> str:
    """Return the help of `alchemorsel` and its commands, without the boxes that rich draws around them."""
    command = typer.main.get_command(ai_service.cli.__main__.app)
    return "\n".join(_shown(path) for path in _paths(command, []))


def _paths(command: Any, path: list[str]) -> Iterator[list[str]]:
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from _paths(child, [*path, name])


def _shown(path: list[str]) -> str:
    text = io.StringIO()
    environment = {**ENVIRONMENT, "TERMINAL_WIDTH": ENVIRONMENT["COLUMNS"]}
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        contextlib.redirect_stdout(text),
        contextlib.suppress(SystemExit),
    ):
        ai_service.cli.__main__.app([*path, "--help"], prog_name="alchemorsel")
    return without_columns(_BOX.sub(" ", text.getvalue()))


def without_columns(text: str) -> str:
    """Return a help text without what moves where another line grows or Python changes, and without empty lines.

    Where the name of an option is long, argparse puts its meaning on a line of its own; here it follows the name.
    """
    joined = re.sub(r"\n {12,}(?=\S)", "   ", text)
    lines = (re.sub(r"(?<=\S)\s{2,}", "   ", line.rstrip()) for line in joined.splitlines())
    return "\n".join(line for line in lines if line) + "\n"


PROGRAMS: dict[str, Callable[[], str]] = {
    "ai_service": partial(argparse_help, ai_service.__main__.main),
    "ai_service.web": partial(argparse_help, ai_service.web.__main__.main),
    "alchemorsel": alchemorsel_help,
    "bench": partial(argparse_help, bench.cli.main),
    "lab": partial(argparse_help, lab.__main__.main),
    "tools.perf": partial(argparse_help, tools.perf.__main__.main),
}
