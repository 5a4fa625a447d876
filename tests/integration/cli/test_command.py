"""The command, as people type it, against the real service and the real Ollama."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.ollama_process import OllamaProcess
from tests.integration.service.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
ADMIN_KEY = "an-administrators-key-of-32-characters"


class Command:
    """`alchemorsel`, with the addresses of the services.

    Args:
        programs: Folder whose programs it finds before the machine's own.
        variables: Its `ALCHEMORSEL_*` variables.
    """

    def __init__(self, programs: Path | None = None, **variables: str) -> None:
        self._path = os.environ["PATH"] if programs is None else f"{programs}:{os.environ['PATH']}"
        self._variables = {f"ALCHEMORSEL_{name}": value for name, value in variables.items()}

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command."""
        return subprocess.run(
            [sys.executable, "-m", "ai_service.cli", *arguments],
            cwd=ROOT,
            env={"PATH": self._path, "COLUMNS": "120", **self._variables},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )


@pytest.fixture(scope="module")
def ollama() -> Iterator[OllamaProcess]:
    """Run the lab's Ollama."""
    with OllamaProcess() as server:
        yield server


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a file with the administrator's key."""
    path = tmp_path_factory.mktemp("secrets") / "key"
    path.write_text(ADMIN_KEY)
    return path


@pytest.fixture(scope="module")
def api(ollama: OllamaProcess, key_file: Path) -> Iterator[Program]:
    """Run the service in front of Ollama."""
    model = {"OLLAMA_HOST": ollama.url, "OLLAMA_MODEL": ollama.model, "RECIPE_MAX_TOKENS": "400"}
    with Program(**model, ADMIN_KEY_FILE=str(key_file)) as program:
        yield program


@pytest.fixture
def command(api: Program, ollama: OllamaProcess, key_file: Path) -> Command:
    """Give the command configured for this site."""
    return Command(API_URL=api.url, OLLAMA_HOST=ollama.url, API_KEY_FILE=str(key_file))


def test_status_tells_all_of_it_in_one_screen(command: Command, ollama: OllamaProcess) -> None:
    """Providers, services, models; for programs too."""
    shown = command("status")
    assert shown.returncode == 0, shown.stderr
    assert "healthy" in shown.stdout
    assert ollama.url in shown.stdout
    assert "0 of 1" in shown.stdout
    told = json.loads(command("status", "--json").stdout)
    assert told["health"]["providers"][0]["model"] == ollama.model
    assert [server["url"] for server in told["health"]["servers"]] == [ollama.url]
    assert [model["name"] for model in told["models"]] == [ollama.model]
    assert set(told["components"]) == {"redis", "ollama", "api", "edge", "page"}


def test_status_works_where_the_service_is_down(ollama: OllamaProcess) -> None:
    """The models are shown all the same, the loss is said, and the exit status tells."""
    done = Command(API_URL="http://127.0.0.1:9", OLLAMA_HOST=ollama.url)("status")
    assert done.returncode == 69
    assert "The API at http://127.0.0.1:9 cannot be reached." in done.stdout
    assert ollama.model in done.stdout
    assert "Traceback" not in done.stderr


def test_test_asks_all_three_tasks_for_real(command: Command) -> None:
    """From the model, then from the cache."""
    told = json.loads(command("test", "--json").stdout)
    assert told["wrong"] == {}
    assert set(told["tasks"]) == {"recipe", "ingredients", "nutrition"}
    for asked in told["tasks"].values():
        assert asked["computed"]["meta"]["provider"] == "ollama"
        assert "; hit" in asked["cached"]["cache"]


def test_test_fails_where_a_stand_in_answers(ollama: OllamaProcess) -> None:
    """A degraded answer is none that this command would call right."""
    with Program(OLLAMA_HOST="http://127.0.0.1:9", AI_FALLBACKS="mock") as api:
        done = Command(API_URL=api.url, OLLAMA_HOST=ollama.url)("test")
    assert done.returncode == 1
    assert "degraded: mock answered" in done.stdout


def test_a_model_goes_into_memory_and_out_of_it(command: Command, ollama: OllamaProcess) -> None:
    """As the server itself sees it."""
    assert command("load", ollama.model).returncode == 0
    assert json.loads(command("list", "--json").stdout)[0]["loaded"]["name"] == ollama.model
    assert command("unload", ollama.model).returncode == 0
    assert json.loads(command("list", "--json").stdout)[0]["loaded"] is None


@pytest.mark.parametrize("verb", ["load", "remove"])
def test_a_half_typed_model_is_answered_with_the_right_one(command: Command, verb: str) -> None:
    """Nothing is done, and the status is that of a wrong name."""
    done = command(verb, "gemma3:270")
    assert done.returncode == 64
    assert "Did you mean gemma3:270m?" in done.stderr


def test_a_model_that_nobody_has_is_said_to_be_beyond_reach(command: Command) -> None:
    """With what the server said."""
    done = command("pull", "127.0.0.1:9/library/nothing:1b")
    assert done.returncode == 1
    assert "could not be pulled" in done.stderr


def test_the_cache_is_counted_and_purged(command: Command) -> None:
    """With the administrator's key."""
    command("test")
    before = json.loads(command("cache", "stats", "--json").stdout)
    assert before["store"]["entries"]["recipe"] == 1
    assert json.loads(command("cache", "purge", "--task", "recipe", "--json").stdout)["purged"] == {"recipe": 1}
    after = json.loads(command("cache", "stats", "--json").stdout)
    assert (after["store"]["entries"]["recipe"], after["store"]["entries"]["nutrition"]) == (0, 1)


def test_the_cache_is_not_everybodys(api: Program, ollama: OllamaProcess) -> None:
    """Without the key: refused, with what to do."""
    done = Command(API_URL=api.url, OLLAMA_HOST=ollama.url)("cache", "stats")
    assert done.returncode == 77
    assert "ALCHEMORSEL_API_KEY_FILE" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["start", "nix"], 64, "Known: api, edge, ollama, page, redis."),
        (["cache", "purge", "--task", "recipes"], 64, "Did you mean recipe?"),
        (["statsu"], 2, "'status'"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_ones(
    command: Command, arguments: list[str], status: int, said: str
) -> None:
    """On standard error, with an exit status, without a traceback."""
    done = command(*arguments)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def with_ssh(folder: Path, script: str) -> Command:
    """Return the command with a shell script as its `ssh`, written into the folder."""
    ssh = folder / "ssh"
    ssh.write_text(f"#!/bin/sh\n{script}\n")
    ssh.chmod(0o755)
    return Command(folder)


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        (["--host", "ai-1", "exec", "--", "ollama", "show", "a b; id"], "exec -- ollama show 'a b; id'"),
        (["--host", "status", "status", "--json"], "status --json"),
        (["--ssh-config", "logs", "-H", "logs", "logs", "api", "-n", "5"], "logs api -n 5"),
    ],
)
def test_another_hosts_command_is_run_over_ssh(tmp_path: Path, arguments: list[str], sent: str) -> None:
    """As it was typed, by the command that is installed there, whatever the host's name; no word is a shell's."""
    done = with_ssh(tmp_path, 'for word; do last=$word; done\nprintf "%s\\n" "$last"')(*arguments)
    assert done.stdout == f"alchemorsel {sent}\n", done.stderr


def test_a_benchmark_that_cannot_begin_leaves_nothing_on_the_host(tmp_path: Path) -> None:
    """Its own words and exit status; SSH is asked for the host's address only."""
    asks = f'echo "$@" >> {tmp_path}/asked\necho "hostname 127.0.0.1"'
    done = with_ssh(tmp_path, asks)("--host", "ai-1", "bench", "--profile", "none")
    assert done.returncode == 64, done.stderr
    assert "none" in done.stderr
    assert (tmp_path / "asked").read_text() == "-G ai-1\n"
