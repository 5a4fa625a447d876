"""Balancers in front of the edges of two hosts: losses, drains, and what one address may ask."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.edge_program import EdgeProgram
from tests.integration.edge.peer import INGREDIENTS, Callers
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.service.program import Program

ENOUGH = 100
QUESTION = {"partial": ["pear"]}


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a directory with a short path, for Unix sockets."""
    with tempfile.TemporaryDirectory(prefix="balancer-") as name:
        yield Path(name)


@pytest.fixture
def edges(home: Path, folder: Path, instances: list[Program]) -> Iterator[dict[str, EdgeProgram]]:
    """Run two hosts' edges, each with an instance behind it."""
    with ExitStack() as stack:
        programs = {}
        for number, name in enumerate(("one", "two"), 1):
            (home / name).mkdir()
            programs[name] = stack.enter_context(
                EdgeProgram(
                    home / name, {"1": f"unix@{folder}/{number}.sock"}, load_balancer_trusted_proxies=["127.0.0.1"]
                )
            )
        assert len(instances) == len(programs)
        yield programs
        for program in programs.values():
            os.kill(program.process.pid, signal.SIGCONT)


def balancer(home: Path, name: str, edges: dict[str, EdgeProgram], **variables: Any) -> EdgeProgram:
    """Make a balancer; by this address, which is this machine's, the edges count as those of other hosts."""
    (home / name).mkdir()
    servers = {edge: f"0.0.0.0:{program.port}" for edge, program in edges.items()}
    return EdgeProgram(home / name, servers, load_balancer_slow_start="1", **variables)


def both_up(program: EdgeProgram) -> bool:
    """Tell whether a balancer has found both edges ready."""
    return program.states() == {"one": "UP", "two": "UP"}


def kill(program: EdgeProgram) -> None:
    """SIGKILL to both processes of an HAProxy."""
    worker = program.pid()
    program.process.kill()
    os.kill(worker, signal.SIGKILL)


async def test_edge_that_is_lost_costs_no_request(home: Path, edges: dict[str, EdgeProgram]) -> None:
    """What it had not begun to answer is asked of the other one."""
    with balancer(home, "b", edges) as front:
        until(lambda: both_up(front))
        async with Callers(front.port) as callers:
            await callers.more(ENOUGH)
            kill(edges["one"])
            await callers.more(2 * ENOUGH)
            assert front.states()["two"] == "UP"
            until(lambda: front.states()["one"] == "DOWN")
        assert set(callers.statuses) == {200}
        assert callers.broken_off <= 1


async def test_edge_whose_instances_are_gone_costs_no_request(
    home: Path, edges: dict[str, EdgeProgram], instances: list[Program]
) -> None:
    """It says 503, which is asked again of the other one."""
    with balancer(home, "b", edges) as front:
        until(lambda: both_up(front))
        async with Callers(front.port) as callers:
            await callers.more(ENOUGH)
            instances[0].process.send_signal(signal.SIGKILL)
            await callers.more(2 * ENOUGH)
            instances[0].process.wait()
            instances[0].start()
            until(lambda: both_up(front))
            await callers.more(ENOUGH)
        assert set(callers.statuses) == {200}
        assert callers.broken_off <= 1


async def test_drained_host_gets_no_new_request(home: Path, edges: dict[str, EdgeProgram]) -> None:
    """By the runtime socket, as before work on the host; it comes back as it went."""
    with balancer(home, "b", edges) as front:
        until(lambda: both_up(front))
        async with Callers(front.port) as callers:
            await callers.more(ENOUGH)
            front.command("set server api/one state drain")
            await callers.more(ENOUGH)
            kill(edges["one"])
            await callers.more(ENOUGH)
        assert (set(callers.statuses), callers.broken_off) == ({200}, 0)


async def test_clients_that_know_two_balancers_outlive_the_loss_of_one(
    home: Path, edges: dict[str, EdgeProgram]
) -> None:
    """Connections to the lost one fail; a new one to the other succeeds at once."""
    with balancer(home, "b", edges) as first, balancer(home, "c", edges) as second:
        until(lambda: both_up(first) and both_up(second))
        kill(first)
        async with httpx.AsyncClient(trust_env=False, timeout=3) as client:
            answers = []
            for front in (first, second):
                try:
                    answers.append(await client.post(f"http://127.0.0.1:{front.port}{INGREDIENTS}", json=QUESTION))
                except httpx.ConnectError:
                    await asyncio.sleep(0)
        assert [answer.status_code for answer in answers] == [200]


def test_address_that_asks_too_much_is_told_so(home: Path, edges: dict[str, EdgeProgram]) -> None:
    """With the shape of the service's errors, and when to come again."""
    with (
        balancer(home, "b", edges, load_balancer_request_rate="1") as front,
        httpx.Client(base_url=f"http://127.0.0.1:{front.port}", trust_env=False, timeout=30) as client,
    ):
        until(lambda: both_up(front))
        answers = [client.post(INGREDIENTS, json=QUESTION) for _ in range(15)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 5
        assert answers[-1].headers["retry-after"] == "10"
        assert answers[-1].json()["code"] == "rate_limited"
