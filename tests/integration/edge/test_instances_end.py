"""No caller notices that an instance is killed, drained or restarted, or that the edge is reloaded."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import httpx

from tests.integration.edge.peer import INGREDIENTS, Callers
from tests.waiting import until

if TYPE_CHECKING:
    from tests.edge_program import EdgeProgram
    from tests.integration.service.program import Program

ENOUGH = 100
"""Answers that go to all servers that may have them."""


async def test_killed_instance_costs_no_request(edge: EdgeProgram, instances: list[Program]) -> None:
    """What it had not begun to answer is asked again of the other one."""
    async with Callers(edge.port) as callers:
        await callers.more(ENOUGH)
        instances[0].process.send_signal(signal.SIGKILL)
        await callers.more(ENOUGH)
        instances[0].process.wait()
        instances[0].start()
        until(lambda: edge.states() == {"1": "UP", "2": "UP"})
        await callers.more(ENOUGH)
    assert set(callers.statuses) == {200}
    assert callers.broken_off <= 1


async def test_drained_instance_gets_no_new_request(edge: EdgeProgram, instances: list[Program]) -> None:
    """And may be stopped, started and readied again without a lost one."""
    async with Callers(edge.port) as callers:
        await callers.more(ENOUGH)
        edge.command("set server api/1 state drain")
        until(lambda: _served(edge, "1") == (0, _served(edge, "1")[1]))
        before = _served(edge, "1")[1]
        await callers.more(ENOUGH)
        assert _served(edge, "1")[1] == before
        instances[0].stop()
        await callers.more(ENOUGH)
        instances[0].start()
        edge.command("set server api/1 state ready")
        until(lambda: edge.states() == {"1": "UP", "2": "UP"})
        await callers.more(ENOUGH)
        assert _served(edge, "1")[1] > before
    assert (set(callers.statuses), callers.broken_off) == ({200}, 0)


async def test_killed_instance_costs_no_request_while_the_other_is_drained(
    edge: EdgeProgram, instances: list[Program]
) -> None:
    """The draining one still answers what nobody else can."""
    async with Callers(edge.port) as callers:
        edge.command("set server api/2 state drain")
        await callers.more(ENOUGH)
        instances[0].process.send_signal(signal.SIGKILL)
        await callers.more(ENOUGH)
        instances[0].process.wait()
        instances[0].start()
        edge.command("set server api/2 state ready")
        until(lambda: edge.states() == {"1": "UP", "2": "UP"})
    assert set(callers.statuses) == {200}
    assert callers.broken_off <= 1


async def test_reload_closes_no_connection(edge: EdgeProgram) -> None:
    """The former process serves its callers on, and new ones come to the new one."""
    async with Callers(edge.port) as callers:
        for seconds in (140, 141):
            await callers.more(ENOUGH)
            edge.configure(load_balancer_server_timeout=seconds)
            edge.reload()
            async with Callers(edge.port) as others:
                await others.more(ENOUGH)
            assert (set(others.statuses), others.broken_off) == ({200}, 0)
        await callers.more(ENOUGH)
    assert (set(callers.statuses), callers.broken_off) == ({200}, 0)


def test_where_nobody_serves_the_caller_is_told(edge: EdgeProgram, instances: list[Program]) -> None:
    """In the shape of its path, with when to try again; an instance that is not ready would answer itself."""
    for program in instances:
        program.stop()
    for path in (INGREDIENTS, "/v1/chat/completions"):
        answer = httpx.post(f"http://127.0.0.1:{edge.port}{path}", json={}, timeout=20, trust_env=False)
        told = answer.json() if path == INGREDIENTS else answer.json()["error"]
        assert (answer.status_code, told["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["x-request-id"]
    for program in instances:
        program.start()
    until(lambda: edge.states() == {"1": "UP", "2": "UP"})


def _served(edge: EdgeProgram, server: str) -> tuple[int, int]:
    """Return how many sessions a server has now, and had in all."""
    row = next(line.split(",") for line in edge.command("show stat").splitlines() if line.startswith(f"api,{server},"))
    return int(row[4]), int(row[7])
