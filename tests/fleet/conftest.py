"""Reach the hosts of the fleet, and its balancer as callers do (molecule/fleet, on throw-away hosts only)."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import testinfra

from tests.fleet.site import BALANCER
from tests.lifecycle.conftest import begin, play

if TYPE_CHECKING:
    from collections.abc import Callable

    from testinfra.host import Host

__all__ = ["begin", "play"]


@pytest.fixture
def host_of(request: pytest.FixtureRequest) -> Callable[[str], Host]:
    """Give a function that reaches a host of the scenario."""
    inventory = request.config.getoption("ansible_inventory")
    return lambda name: testinfra.get_host(f"ansible://{name}", ansible_inventory=inventory)


@pytest.fixture
def caller(host_of: Callable[[str], Host]) -> Callable[[], httpx.Client]:
    """Make clients of the balancer, who trust the site's authority."""
    balancer = host_of(BALANCER)
    variables: Any = balancer.ansible.get_variables()
    trust = ssl.create_default_context(cadata=balancer.file("/etc/alchemorsel/tls/ca.pem").content_string)
    key = variables["vault_ai_service_verify_key"]
    return lambda: httpx.Client(
        base_url=f"https://{variables['ansible_host']}:3010",
        headers={"Authorization": f"Bearer {key}"},
        verify=trust,
        timeout=120,
        trust_env=False,
    )
