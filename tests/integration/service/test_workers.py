"""Several processes on one socket, as an operator sees them."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from tests.contract.redis_server import USER
from tests.integration.service.program import Program
from tests.unit.service.test_main import start_activated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.contract.redis_server import RedisServer

INGREDIENTS = "/api/v1/ai/suggest-ingredients"
TIMEOUT_S = 30.0


@pytest.fixture
def program() -> Iterator[Program]:
    """Two workers, and no model."""
    with Program(AI_PROVIDER="mock", WORKERS="2") as opened:
        until(lambda: len(workers(opened)) == 2)
        yield opened


def until(condition: Callable[[], bool], *, timeout_s: float = TIMEOUT_S) -> None:
    """Waits for a condition."""
    give_up = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def workers(program: Program) -> set[int]:
    """The workers that are ready to answer."""
    text = metrics(program)
    count = re.search(r"^alchemorsel_ai_workers (\d+)\.0$", text, re.MULTILINE)
    pids = {child.pid for child in psutil.Process(program.process.pid).children()}
    return pids if count is not None and int(count[1]) == len(pids) else set()


def metrics(program: Program) -> str:
    """What Prometheus would read, over a connection of its own."""
    return httpx.get(program.http.base_url.join("/metrics"), trust_env=False, timeout=TIMEOUT_S).text


def ask(program: Program, count: int) -> None:
    """Asks over new connections, which any worker may take."""
    url = program.http.base_url.join(INGREDIENTS)
    for _ in range(count):
        assert httpx.post(url, json={"partial": ["pear"]}, trust_env=False, timeout=TIMEOUT_S).status_code == 200


def requests_counted(program: Program) -> int:
    """By the metrics, whatever the cache did."""
    counts = re.findall(r"^alchemorsel_ai_requests_total\{.*\} (.*)$", metrics(program), re.MULTILINE)
    return sum(int(float(count)) for count in counts)


def test_metrics_are_those_of_all_workers_the_dead_included(program: Program) -> None:
    """Whichever worker is asked; a counter that fell would look like a restart of the service."""
    ask(program, 20)
    assert {requests_counted(program) for _ in range(10)} == {20}
    os.kill(min(workers(program)), signal.SIGKILL)
    until(lambda: len(workers(program)) == 2)
    assert requests_counted(program) == 20
    ask(program, 5)
    assert requests_counted(program) == 25


def test_a_worker_that_dies_is_replaced(program: Program) -> None:
    """The others go on meanwhile, and the log says why."""
    before = workers(program)
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    ask(program, 3)
    until(lambda: len(workers(program)) == 2)
    assert killed not in workers(program)
    assert len(workers(program) & before) == 1
    (message,) = [line["message"] for line in program.log() if line["logger"] == "ai_service.workers"]
    assert message == f"worker {killed} ended (signal SIGKILL); another starts in 0.5 s"


def test_workers_end_with_their_supervisor(program: Program) -> None:
    """Also where it is killed: nobody keeps the port."""
    pids = workers(program)
    program.process.kill()
    program.process.wait()
    until(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def test_sigterm_ends_all_of_them(program: Program) -> None:
    """With status 0, and without a trace in the log."""
    pids = workers(program)
    program.process.send_signal(signal.SIGTERM)
    assert program.process.wait(TIMEOUT_S) == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert [line for line in program.log() if line["level"] not in {"info", "warning"}] == []


def test_they_share_the_socket_that_systemd_passes(tmp_path: Path) -> None:
    """READY=1 is said once, when all of them are ready, and by the process that systemd knows."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, socket.socket() as listener:
        notify.bind(str(tmp_path / "notify"))
        notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        notify.settimeout(TIMEOUT_S)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        process = start_activated(listener, str(tmp_path / "notify"), "--workers", "2")
        try:
            state, ancillary, _, _ = notify.recvmsg(64, 64)
            assert state == b"READY=1"
            assert int.from_bytes(ancillary[0][2][:4], "little") == process.pid
            assert len(psutil.Process(process.pid).children()) == 2
            address = "http://{}:{}".format(*listener.getsockname())
            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(lambda _: httpx.get(f"{address}/health/live", trust_env=False), range(32)))
            assert {answer.status_code for answer in answers} == {200}
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=TIMEOUT_S)
        assert notify.recv(64) == b"STOPPING=1"
    assert process.returncode == 0


def test_a_killed_leader_is_followed_within_15_seconds(redis_server: RedisServer) -> None:
    """One of the workers leads by a lease in Redis, whose user may do no more than the role allows it."""
    with Program(
        AI_PROVIDER="mock",
        WORKERS="3",
        REDIS_URL=redis_server.url,
        REDIS_USERNAME=USER,
        REDIS_PASSWORD_FILE=str(redis_server.password_file),
    ) as program:

        def leaders() -> list[int]:
            return [line["pid"] for line in program.log() if line["message"].startswith("this process leads")]

        until(lambda: len(workers(program)) == 3)
        until(lambda: "alchemorsel_ai_leader 1.0" in metrics(program))
        (first,) = leaders()
        os.kill(first, signal.SIGKILL)
        until(lambda: len(leaders()) == 2, timeout_s=15.0)
        assert leaders()[1] != first
        until(lambda: "alchemorsel_ai_leader 1.0" in metrics(program))
