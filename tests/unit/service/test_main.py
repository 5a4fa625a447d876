"""The program from outside: exit statuses, systemd's protocols, signals."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from lab.ports import free_port, listens
from tests.waiting import until

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "ai_service"]


def environment(**variables: str) -> dict[str, str]:
    """Nothing of this process's but the path."""
    return {"PATH": os.environ["PATH"], **variables}


def test_wrong_settings_are_all_told_and_exit_with_78() -> None:
    """On standard error, before anything is opened."""
    wrong = environment(ALCHEMORSEL_PORT="x", ALCHEMORSEL_COLOUR="red")
    done = subprocess.run([*COMMAND, "--check"], cwd=ROOT, env=wrong, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "ALCHEMORSEL_PORT='x': expected a whole number" in done.stderr
    assert "ALCHEMORSEL_COLOUR: no such setting" in done.stderr
    assert "Traceback" not in done.stderr


def test_right_settings_are_checked_without_serving() -> None:
    """For a deployment that wants to know before it restarts anything."""
    done = subprocess.run([*COMMAND, "--check"], cwd=ROOT, env=environment(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_port_in_use_is_said_to_be() -> None:
    """In a sentence."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        env = environment(ALCHEMORSEL_PORT=str(port))
        done = subprocess.run(COMMAND, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"Cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_more_workers_than_one_are_refused_in_a_sentence() -> None:
    """By the flag, too, and together with all other mistakes."""
    wrong = environment(ALCHEMORSEL_PORT="x")
    command = [*COMMAND, "--workers", "2"]
    done = subprocess.run(command, cwd=ROOT, env=wrong, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "more are more instances (ai_service_instances), and need Redis" in done.stderr
    assert "ALCHEMORSEL_PORT='x': expected a whole number" in done.stderr


def test_it_says_what_answers_will_be_like_and_ends_with_status_0() -> None:
    """Without a model, by the labelled mock where that is allowed; SIGHUP does not end it, SIGTERM does."""
    env = environment(
        ALCHEMORSEL_OLLAMA_HOST="http://127.0.0.1:9",
        ALCHEMORSEL_AI_FALLBACKS="mock",
        ALCHEMORSEL_PORT=str(free_port()),
    )
    with subprocess.Popen(COMMAND, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        ready = json.loads(process.stderr.readline())
        while not ready["message"].startswith("ready"):
            ready = json.loads(process.stderr.readline())
        process.send_signal(signal.SIGHUP)
        connection = http.client.HTTPConnection("127.0.0.1", int(env["ALCHEMORSEL_PORT"]), timeout=10)
        until(listens(connection.port))
        body, headers = json.dumps({"partial": ["pear"]}), {"Content-Type": "application/json"}
        connection.request("POST", "/api/v1/ai/suggest-ingredients", body, headers)
        assert json.load(connection.getresponse())["meta"]["provider"] == "mock"
        connection.close()
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=20)
    assert process.returncode == 0
    lines = [json.loads(line) for line in rest.splitlines()]
    assert [line["task"] for line in lines if line["message"] == "request"] == ["ingredients"]
    assert "cached in this process's memory" in ready["message"]
    assert "answers come from mock and are labelled degraded" in ready["message"]


def test_systemd_gets_its_watchdogs_beats(tmp_path: Path) -> None:
    """More than one within an interval."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(20)
        env = environment(
            ALCHEMORSEL_SOCKET=str(tmp_path / "ai.sock"),
            ALCHEMORSEL_AI_PROVIDER="mock",
            NOTIFY_SOCKET=str(tmp_path / "notify"),
            WATCHDOG_USEC="300000",
        )
        with subprocess.Popen(COMMAND, cwd=ROOT, env=env, stderr=subprocess.DEVNULL) as process:
            beats = [channel.recv(64) for _ in range(4)]
            process.send_signal(signal.SIGTERM)
    assert beats == [b"WATCHDOG=1"] * 4


def test_a_key_is_made_on_the_command_line() -> None:
    """The line on standard output, the key beside it; a key that is there already is read from standard input."""
    command = [*COMMAND, "hash-key", "web", "--rate", "5/minute", "--budget", "9tokens/day"]
    made = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)
    key = made.stderr.split()[-1]
    taken = subprocess.run(
        [*command, "--stdin"], cwd=ROOT, env=environment(), input=key, capture_output=True, text=True, check=True
    )
    assert taken.stdout == made.stdout
    assert made.stdout.startswith("web sha256:")
    assert made.stdout.endswith(" 5/minute 9tokens/day\n")
    assert key not in made.stdout + taken.stderr
    wrong = subprocess.run(
        [*command, "--stdin"], cwd=ROOT, env=environment(), input="short", capture_output=True, text=True, check=False
    )
    assert (wrong.returncode, wrong.stdout) == (64, "")
    assert wrong.stderr.startswith("hash-key: expected a key of at least 32")


def test_importing_the_application_starts_nothing() -> None:
    """No client, no task, no file: only create_app wires; what only API keys need is not even imported."""
    code = (
        "import ai_service.app, ai_service.__main__, sys, threading\n"
        "print(threading.active_count(), 'limits' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "1 False\n"
