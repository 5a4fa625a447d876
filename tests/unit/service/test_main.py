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

import pytest

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


@pytest.mark.parametrize("abstract", [False, True])
def test_it_serves_on_the_passed_socket_tells_when_and_drains(tmp_path: Path, *, abstract: bool) -> None:
    """Socket activation, sd_notify, and SIGTERM, as the unit uses them; alone it says what answers will be like."""
    address = f"@alchemorsel-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, socket.socket() as listener:
        notify.bind(f"\0{address[1:]}" if abstract else address)
        notify.settimeout(20)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        process = start_activated(listener, address)
        try:
            assert notify.recv(64) == b"READY=1"
            connection = http.client.HTTPConnection(*listener.getsockname(), timeout=10)
            connection.request("GET", "/health/live")
            assert connection.getresponse().read() == b'{"status":"alive"}'
            body, headers = json.dumps({"partial": ["pear"]}), {"Content-Type": "application/json"}
            connection.request("POST", "/api/v1/ai/suggest-ingredients", body, headers)
            assert json.load(connection.getresponse())["meta"]["provider"] == "mock"
            connection.close()
        finally:
            process.send_signal(signal.SIGTERM)
            _, stderr = process.communicate(timeout=20)
        assert notify.recv(64) == b"STOPPING=1"
    assert process.returncode == -signal.SIGTERM
    lines = [json.loads(line) for line in stderr.splitlines()]
    assert [line["task"] for line in lines if line["message"] == "request"] == ["ingredients"]
    ready = [line["message"] for line in lines if line["message"].startswith("ready")]
    assert len(ready) == 1
    assert "cached in this process's memory" in ready[0]
    assert "answers come from mock and are labelled degraded" in ready[0]


def test_client_of_an_open_connection_is_answered_and_sent_to_the_next_instance(tmp_path: Path) -> None:
    """While it ends, a request on a kept connection gets its answer with `Connection: close`, not a reset."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, socket.socket() as listener:
        notify.bind(str(tmp_path / "notify"))
        notify.settimeout(20)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        process = start_activated(listener, str(tmp_path / "notify"))
        try:
            assert notify.recv(64) == b"READY=1"
            connection = http.client.HTTPConnection(*listener.getsockname(), timeout=10)
            connection.request("GET", "/health/live")
            assert connection.getresponse().read() == b'{"status":"alive"}'
            process.send_signal(signal.SIGTERM)
            assert notify.recv(64) == b"STOPPING=1"
            connection.request("GET", "/health/live")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b'{"status":"alive"}')
            assert answer.headers["connection"] == "close"
            connection.close()
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)


def start_activated(listener: socket.socket, notify: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Starts it as systemd does: the socket as descriptor 3, LISTEN_PID its own process id."""
    script = 'LISTEN_PID=$$ exec "$@" 3<&"$FD"'
    variables = {
        "FD": str(listener.fileno()),
        "LISTEN_FDS": "1",
        "NOTIFY_SOCKET": notify,
        "ALCHEMORSEL_OLLAMA_HOST": "http://127.0.0.1:9",
    }
    return subprocess.Popen(
        ["bash", "-c", script, "bash", *COMMAND, *arguments],
        cwd=ROOT,
        env=environment(**variables),
        pass_fds=[listener.fileno()],
        stderr=subprocess.PIPE,
    )


def test_a_key_is_made_on_the_command_line() -> None:
    """The line on standard output, the key beside it; a key that is there already is read from standard input."""
    command = [*COMMAND, "hash-key", "web", "--rate", "5/minute"]
    made = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)
    key = made.stderr.split()[-1]
    taken = subprocess.run(
        [*command, "--stdin"], cwd=ROOT, env=environment(), input=key, capture_output=True, text=True, check=True
    )
    assert taken.stdout == made.stdout
    assert made.stdout.startswith("web sha256:")
    assert made.stdout.endswith(" 5/minute\n")
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
