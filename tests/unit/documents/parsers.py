"""Command lines of the documents, read by the programs' own parsers, without running anything."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from functools import cache
from typing import TYPE_CHECKING, Any

import typer.main

import ai_service.__main__
import ai_service.cli.__main__
import ai_service.web.__main__
import bench.cli
import lab.__main__
import tools.perf.__main__
from tests.golden.help_texts import parser_of
from tests.unit.documents.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

MODULES: dict[str, Callable[[list[str]], Any]] = {
    "ai_service": ai_service.__main__.main,
    "ai_service.web": ai_service.web.__main__.main,
    "bench": bench.cli.main,
    "lab": lab.__main__.main,
    "tools.perf": tools.perf.__main__.main,
}
_FILE = re.compile(r"(?:playbooks|inventories|tests|bench|molecule)/[\w./*-]+|site\.yml")
_ENDS = {"|", "&&", "||", ";", "&", ">", ">>", "2>", "<"}
_PLACEHOLDER = re.compile(r"^[A-Z][A-Z_]*$|^\$|\.\.\.|…")


def problem(line: str) -> str:
    """Return what is wrong with a command line.

    Args:
        line: Of a document: one command, perhaps with a prompt, variables before it, or a pipe after it.

    Returns:
        What its program says; "" where the line is right, or another program's.
    """
    words = _words(line)
    if not words:
        return ""
    missing = [word for word in words for name in _FILE.findall(word) if not _is_there(name)]
    if missing:
        return f"no such file: {', '.join(missing)}"
    program, arguments = words[0].rpartition("/")[2], words[1:]
    if program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        wrong = [word for word in arguments if re.fullmatch(r"[a-z-]+", word) and word not in targets]
        return f"no such target: {', '.join(wrong)}" if wrong else ""
    if program == "alchemorsel" or words[1:3] == ["-m", "ai_service.cli"]:
        return _typer_problem(arguments if program == "alchemorsel" else words[3:])
    if program.startswith("python") and len(words) > 2 and words[1] == "-m" and words[2] in MODULES:
        return _argparse_problem(words[2], words[3:])
    return ""


def _words(line: str) -> list[str]:
    text = re.sub(r"\s#\s.*$", "", line.strip().removeprefix("$ "))
    try:
        words = shlex.split(text)
    except ValueError:
        return []  # A line of a longer command.
    words = words[: next((at for at, word in enumerate(words) if word in _ENDS), len(words))]
    while words and re.match(r"^[A-Z_]+=", words[0]):
        words = words[1:]
    return words


def _is_there(name: str) -> bool:
    parts = name.rstrip(".,").split("*")[0]
    return (ROOT / parts).exists() or any(word in name for word in ("staging", "conftest"))


_alchemorsel = cache(lambda: typer.main.get_command(ai_service.cli.__main__.app))
_parser = cache(lambda module: parser_of(MODULES[module]))


def _typer_problem(arguments: list[str]) -> str:
    command: Any = _alchemorsel()
    context: Any = None
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            while True:
                context = command.make_context(command.name, list(arguments), parent=context)
                if not hasattr(command, "commands"):
                    return ""
                # As click's own `invoke` does.
                rest = [*context._protected_args, *context.args]  # noqa: SLF001
                _, command, arguments = command.resolve_command(context, rest)
    except (typer.Exit, typer.Abort):
        return ""
    except Exception as error:  # noqa: BLE001 - the errors of the click that typer brings have no public name
        return _said(error, arguments)


def _argparse_problem(module: str, arguments: list[str]) -> str:
    said = io.StringIO()
    known = [word for word in arguments if word not in {"|", "\\"}]
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            _parser(module).parse_args(known)
    except SystemExit as ended:
        words = said.getvalue().strip().splitlines()[-1]
        return words if ended.code and "arguments are required" not in words else ""
    return ""


def _said(error: Exception, arguments: list[str]) -> str:
    words = getattr(error, "message", "") or str(error)
    # Prose names a command without its arguments; a placeholder may stand for a number.
    if words.startswith("Missing") or any(_PLACEHOLDER.search(word) and word in words for word in arguments):
        return ""
    return words
