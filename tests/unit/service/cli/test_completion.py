"""Completion, by a real bash with the script that the command prints."""

from __future__ import annotations

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from tests.unit.service.cli.typed import NOWHERE, run

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[4]
_TYPE = """
source "$1"
COMP_LINE=$2; COMP_POINT=${#2}
_alchemorsel_completion alchemorsel
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Tags(BaseHTTPRequestHandler):
    """Answers as an Ollama with three models."""

    def do_GET(self) -> None:
        """See BaseHTTPRequestHandler."""
        body = b'{"models": [{"name": "llama3.2:3b"}, {"name": "llama3.2:1b"}, {"name": "mistral:7b"}]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def ollama() -> Iterator[str]:
    """Serve the names of models."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Tags) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def complete(folder: Path, line: str, ollama_url: str = NOWHERE) -> list[str]:
    """Return what a Tab key at the end of a line offers."""
    script, program = folder / "completion.bash", folder / "alchemorsel"
    script.write_text(run("completion", "bash").stdout)
    program.write_text(f'#!/bin/sh\ncd {ROOT}\nexec {sys.executable} -m ai_service.cli "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        ["bash", "--norc", "-c", _TYPE, "bash", script, line],
        env={"PATH": f"{folder}:/usr/bin:/bin", "ALCHEMORSEL_OLLAMA_HOST": ollama_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("alchemorsel st", ["status", "start", "stop"]),
        ("alchemorsel --host a restart e", ["edge"]),
        ("alchemorsel cache purge --task ", ["recipe", "ingredients", "nutrition", "chat", "embeddings"]),
        ("alchemorsel show llama3.2:", ["3b", "1b"]),
    ],
)
def test_commands_services_tasks_and_models_are_completed(
    tmp_path: Path, ollama: str, line: str, offered: list[str]
) -> None:
    """After a colon bash replaces only what follows it."""
    assert complete(tmp_path, line, ollama) == offered


def test_without_ollama_there_is_nothing_to_complete(tmp_path: Path) -> None:
    """And nothing is written over what is being typed."""
    assert complete(tmp_path, "alchemorsel show m") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_a_script_too(shell: str) -> None:
    """Typer's, which asks the command."""
    assert "_ALCHEMORSEL_COMPLETE=complete_" in run("completion", shell).stdout
