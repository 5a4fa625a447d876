"""The command, as people type it, against the real service and the real Ollama."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ai_service.access.keys import hash_key, new_key
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


def test_models_are_shown_as_ollamas_users_know_them(command: Command, ollama: OllamaProcess) -> None:
    """`ps` names what is in memory, for how long; `show` what a model is."""
    command("load", ollama.model)
    (row,) = [line for line in command("ps").stdout.splitlines() if ollama.model in line]
    assert "100% CPU" in row
    assert "from now" in row
    assert json.loads(command("ps", "--json").stdout)[0]["name"] == ollama.model
    shown = command("show", ollama.model).stdout
    assert "context length" in shown
    assert "gemma3" in shown
    assert json.loads(command("show", ollama.model, "--json").stdout)["details"]["family"] == "gemma3"


def test_a_model_is_deleted_after_a_yes_only(command: Command, ollama: OllamaProcess) -> None:
    """A copy of it; where one of the names is unknown, none is deleted."""
    ollama.command("cp", ollama.model, "copy:1")
    assert command("rm", "copy:1").returncode == 64
    assert command("rm", "copy:1", "nothing:1", "--yes").returncode == 64
    assert "copy:1" in command("list").stdout
    assert command("rm", "copy:1", "--yes").stdout == "copy:1 deleted\n"
    assert "copy:1" not in command("list").stdout


def test_a_task_is_answered_for_people(command: Command) -> None:
    """The answer on standard output, where it came from on standard error; the second time from the cache."""
    first = command("ask", "ingredients", "tomatoes", "basil", "--fresh")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("- ")
    assert "computed in" in first.stderr
    second = command("ask", "ingredients", "tomatoes", "basil")
    assert second.stdout == first.stdout
    assert "from the cache" in second.stderr


def test_a_task_is_answered_for_programs(command: Command) -> None:
    """The envelope, as the API sends it."""
    told = json.loads(command("ask", "nutrition", "2 eggs", "--json").stdout)
    assert told["success"]
    assert told["data"]["calories"] >= 0


def test_a_chat_answer_is_printed_as_it_is_written(command: Command, ollama: OllamaProcess) -> None:
    """By the service's own model where none is named; a limit that cuts it off is said."""
    done = command("ask", "chat", "name", "a", "herb", "--max-tokens", "8")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert f"ollama, {ollama.model}" in done.stderr
    assert "cut off at its token limit" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["ask", "recipe", "soup", "--max-calories", "0"], 1, "$.max_calories: expected a whole number from 1"),
        (["ask", "chat", "hello", "--model", "nothing:1"], 1, "nothing:1"),
        (["ask", "recipe"], 2, "Standard input is empty."),
        (["ask", "nutrition"], 2, "Missing argument"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_in_words(
    command: Command, arguments: list[str], status: int, said: str
) -> None:
    """With the API's own sentence where it is the API that refuses."""
    done = command(*arguments)
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_question_at_a_closed_door_says_what_opens_it(ollama: OllamaProcess, tmp_path: Path) -> None:
    """A service that is down, one that wants a key, one whose providers are all out."""
    keys = tmp_path / "keys"
    keys.write_text(hash_key("web", new_key()).line())
    asked = ("ask", "ingredients", "salt", "--fresh")
    assert Command(API_URL="http://127.0.0.1:9")(*asked).returncode == 69
    with Program(OLLAMA_HOST=ollama.url, OLLAMA_MODEL=ollama.model, API_KEYS_FILE=str(keys)) as guarded:
        done = Command(API_URL=guarded.url)(*asked)
    assert (done.returncode, "ALCHEMORSEL_API_KEY_FILE" in done.stderr) == (77, True)
    with Program(OLLAMA_HOST="http://127.0.0.1:9", AI_FALLBACKS=",") as idle:
        done = Command(API_URL=idle.url)(*asked)
    assert (done.returncode, "Try again" in done.stderr) == (75, True), done.stderr


def test_a_fallback_is_said_to_be_one(ollama: OllamaProcess) -> None:
    """A sample is never passed off as the model's answer."""
    with Program(OLLAMA_HOST="http://127.0.0.1:9", AI_FALLBACKS="mock") as api:
        done = Command(API_URL=api.url, OLLAMA_HOST=ollama.url)("ask", "ingredients", "salt")
    assert done.returncode == 0
    assert "! Fallback answer: ollama" in done.stderr


def test_status_is_watched_until_it_is_interrupted(api: Program, ollama: OllamaProcess) -> None:
    """For programs one JSON object a line."""
    watching = subprocess.Popen(
        [sys.executable, "-m", "ai_service.cli", "status", "--watch", "--json"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "ALCHEMORSEL_API_URL": api.url,
            "ALCHEMORSEL_OLLAMA_HOST": ollama.url,
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    with watching:
        assert watching.stdout
        seen = [json.loads(watching.stdout.readline()) for _ in range(2)]
        watching.send_signal(signal.SIGINT)
        watching.stdout.read()
        assert watching.wait(timeout=60) == 130
    assert [found["models"][0]["name"] for found in seen] == [ollama.model] * 2


@pytest.mark.parametrize("verb", ["load", "show"])
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
    assert command("cache", "purge", "--yes").returncode == 0  # What other tests asked.
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
        (["start", "nix"], 64, "Known: api, edge, ollama, page, redis, redis-connection, sentinel."),
        (["cache", "purge", "--task", "recipes"], 64, "Did you mean recipe?"),
        (["cache", "purge"], 64, "Refused to purge the cached answers of all tasks without a confirmation."),
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
        (["ask", "chat", "--host", "ai-1", "what is --host for?"], "ask chat 'what is --host for?'"),
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
