"""The firewall holds where others change the host's rules: a container that publishes itself, an engine, a flush."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.hosts.neighbour import HOST_ADDRESS, neighbour, reaches
from tests.hosts.outside import answering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

    from tests.hosts.conftest import Variables

_PUBLISHED = 18080
_OPEN = 3010
_INNER = 11434
_SSH = 22


@pytest.fixture(autouse=True)
def _only_where_closed(host: Host, variables: Variables) -> None:
    if not (variables("firewall")["firewall_enabled"] and host.exists("dockerd")):
        pytest.skip("needs a closed host with a Docker Engine")


@pytest.fixture
def address(host: Host) -> str:
    """Give the host's address for clients outside it."""
    return str(host.ansible.get_variables()["ansible_host"])


@contextlib.contextmanager
def _container(host: Host, *publish: str) -> Iterator[str]:
    """Run a container with its own server and carelessly published ports, and give its address."""
    image = host.ansible("ansible.builtin.debug", 'msg="{{ lab_ollama_image }}"')["msg"]
    name = f"careless-{secrets.token_hex(4)}"
    ports = " ".join(f"--publish {each}" for each in publish)
    host.check_output(f"docker run --detach --name {name} {ports} {image}")
    try:
        yield host.check_output("docker inspect --format '{{.NetworkSettings.IPAddress}}' %s", name)
    finally:
        host.check_output("docker rm --force %s", name)


def test_published_container_is_not_reached_from_outside(host: Host, address: str) -> None:
    """Published on every address it still answers the host alone, before and after a restart of the engine."""
    with _container(host, f"{_PUBLISHED}:{_INNER}"):
        assert reaches(host, "127.0.0.1", _PUBLISHED)
        assert answering(address, [_PUBLISHED]) == set()
        host.check_output("systemctl restart docker")
        assert reaches(host, "127.0.0.1", _PUBLISHED)
        assert answering(address, [_PUBLISHED]) == set()


def test_container_on_an_open_port_is_reached_from_outside(host: Host, address: str) -> None:
    """The inventory's ports are open for containers too."""
    with _container(host, f"{_OPEN}:{_INNER}"):
        assert reaches(host, "127.0.0.1", _OPEN)
        assert answering(address, [_OPEN]) == {_OPEN}


def test_containers_own_address_is_not_reached_from_outside(host: Host) -> None:
    """A neighbour that routes to the bridge directly gets no answer: nothing is forwarded that nobody opened."""
    with _container(host) as container, neighbour(host) as within:
        assert reaches(host, container, _INNER)
        assert reaches(host, HOST_ADDRESS, _SSH, within=within)
        assert not reaches(host, container, _INNER, within=within)


def test_rules_return_after_somebody_flushed_everything(host: Host, address: str) -> None:
    """The distribution's nftables.service flushes all tables when it starts or reloads; this one comes back."""
    for action in ("restart", "reload"):
        host.check_output("systemctl %s nftables.service", action)
        assert "policy drop" in host.check_output("nft list chain inet alchemorsel input")
    host.check_output("systemctl stop nftables.service")
    host.check_output("systemctl start alchemorsel-firewall.service")
    # the flush took Docker's own chains, which a restart brings back
    host.check_output("systemctl restart docker")
    assert answering(address, [9]) == set()
