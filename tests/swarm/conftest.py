"""Reach the nodes of the Swarm, and its edges as callers do (molecule/swarm, on throw-away hosts only)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import testinfra

from tests.edge_program import EdgeProgram
from tests.lifecycle.conftest import begin, play
from tests.swarm.site import BACK_S, NODES, OUTSIDE
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from testinfra.host import Host

__all__ = ["begin", "play"]


@pytest.fixture
def host_of(request: pytest.FixtureRequest) -> Callable[[str], Host]:
    """Give a function that reaches a host of the scenario."""
    inventory = request.config.getoption("ansible_inventory")
    return lambda name: testinfra.get_host(f"ansible://{name}", ansible_inventory=inventory)


@pytest.fixture
def caller(host_of: Callable[[str], Host], tmp_path: Path) -> Iterator[Callable[[], httpx.Client]]:
    """Make clients of a balancer in front of the edges, as the role load_balancer sets one up, on this machine."""
    variables: dict[str, Any] = {name: host_of(name).ansible.get_variables() for name in NODES}
    servers = {name: f"{variables[name]['ansible_host']}:3010" for name in NODES}
    key = variables[OUTSIDE]["vault_ai_service_verify_key"]
    with EdgeProgram(tmp_path, servers, load_balancer_slow_start="1") as balancer:
        until(lambda: set(balancer.states().values()) == {"UP"}, timeout_s=BACK_S)
        yield lambda: httpx.Client(
            base_url=f"http://127.0.0.1:{balancer.port}",
            headers={"Authorization": f"Bearer {key}"},
            timeout=120,
            trust_env=False,
        )
