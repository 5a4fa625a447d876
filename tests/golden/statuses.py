"""Exit statuses: what the programs end with, and what their errors are declared to end with."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from unittest import mock

import ai_service.__main__
import ai_service.cli.__main__
import ai_service.web.__main__
import bench.cli
import lab.__main__
from ai_service.cli.errors import CliError
from bench.errors import BenchError
from bench.results import Verdict
from tests.golden.running import ENVIRONMENT, NOWHERE, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _alchemorsel(arguments: list[str]) -> None:
    with mock.patch.object(sys, "argv", ["alchemorsel", *arguments]):
        ai_service.cli.__main__.main()


_PROGRAMS: dict[str, Callable[[list[str]], Any]] = {
    "python -m ai_service": ai_service.__main__.main,
    "python -m ai_service.web": ai_service.web.__main__.main,
    "alchemorsel": _alchemorsel,
    "python -m bench": bench.cli.main,
    "python -m lab": lab.__main__.main,
}
_RUNS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("right settings", "python -m ai_service", "--check", {}),
    ("wrong settings", "python -m ai_service", "--check", {"ALCHEMORSEL_PORT": "x"}),
    ("an unknown option", "python -m ai_service", "--colour", {}),
    ("a wrong rate", "python -m ai_service", "hash-key web --rate often", {}),
    ("a key is made", "python -m ai_service", "hash-key web", {}),
    ("right settings", "python -m ai_service.web", "--check", {}),
    ("wrong settings", "python -m ai_service.web", "--check", {"ALCHEMORSEL_WEB_PORT": "x"}),
    ("an API that does not answer", "alchemorsel", "cache stats", {"ALCHEMORSEL_API_URL": NOWHERE}),
    ("no command", "alchemorsel", "", {}),
    ("no command of a group", "alchemorsel", "cache", {}),
    ("an unknown name", "alchemorsel", "restart redsi", {}),
    ("nobody to ask", "alchemorsel", "stop", {}),
    ("nobody to ask", "alchemorsel", "rm llama3.2:1b", {}),
    ("nobody to ask", "alchemorsel", "cache purge", {}),
    ("an API that does not answer", "alchemorsel", "ask recipe soup", {"ALCHEMORSEL_API_URL": NOWHERE}),
    ("an invalid time", "alchemorsel", "logs api --since soon", {}),
    ("an unknown option", "alchemorsel", "status --colour", {}),
    ("a target that does not answer", "python -m bench", f"run --target {NOWHERE}", {}),
    ("wrong usage", "python -m bench", "run", {}),
    ("an unknown profile", "python -m bench", f"run --target {NOWHERE} --profile nope", {}),
    ("a file that is no result", "python -m bench", f"show {ROOT}/README.md", {}),
    ("wrong usage", "python -m lab", "nope", {}),
)
_TAKEN = {"ai_service": "ALCHEMORSEL_PORT", "ai_service.web": "ALCHEMORSEL_WEB_PORT"}


def describe_statuses() -> str:
    """Return one line a run of a program, then the declared statuses."""
    lines = [
        f"{program} {arguments}: {what}: {_status(_PROGRAMS[program], arguments.split(), variables)}".replace(
            str(ROOT), "."
        )
        for what, program, arguments, variables in _RUNS
    ]
    lines += [f"python -m {module}: a port taken: {_status_where_taken(module)}" for module in _TAKEN]
    lines += [f"bench: verdict {verdict.name}: {verdict.exit_status}" for verdict in Verdict]
    lines += [f"bench: {error.__name__}: {error.exit_status}" for error in _tree(BenchError)]
    lines += [f"alchemorsel: {error.__name__}: {error.status}" for error in _tree(CliError)]
    lines += [
        f"alchemorsel --help: {status}: {meaning}" for status, meaning in ai_service.cli.__main__.STATUSES.items()
    ]
    return "\n".join(lines) + "\n"


def _status(main: Callable[[list[str]], Any], arguments: list[str], variables: dict[str, str]) -> int:
    handler = signal.getsignal(signal.SIGTERM)
    unread = io.StringIO()
    try:
        with (
            mock.patch.dict(os.environ, {**ENVIRONMENT, **variables}, clear=True),
            contextlib.redirect_stdout(unread),
            contextlib.redirect_stderr(unread),
            mock.patch.object(sys, "stdin", io.StringIO()),  # nobody is asked, on whatever terminal this runs
        ):
            return int(main(arguments) or 0)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    finally:
        signal.signal(signal.SIGTERM, handler)


def _status_where_taken(module: str) -> int:
    """Start a program of its own: once it serves, nothing ends it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = subprocess.run(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env={**ENVIRONMENT, _TAKEN[module]: str(taken.getsockname()[1])},
            capture_output=True,
            timeout=60,
            check=False,
        )
    return done.returncode


def _tree(kind: Any) -> Iterator[Any]:
    yield kind
    for child in sorted(kind.__subclasses__(), key=lambda each: each.__name__):
        yield from _tree(child)
