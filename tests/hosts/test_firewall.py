"""A closed host answers outsiders on the ports that the inventory opens, and is silent on all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.hosts.outside import accepting, answering, opened

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables

# What somebody who looks for open doors tries first: remote engines, databases, exporters, registries, web servers.
_TEMPTING = (21, 23, 25, 53, 80, 111, 443, 2375, 2376, 5000, 5432, 6379, 8000, 8080, 8443, 9090, 9093, 9100, 9121)
_OURS = (3010, 3011, 6379, 11434, 11435)


@pytest.fixture(autouse=True)
def _only_where_closed(variables: Variables) -> None:
    if not variables("firewall")["firewall_enabled"]:
        pytest.skip("the inventory leaves this host open (firewall_enabled)")


def _templated(host: Host, expression: str) -> Any:
    return host.ansible("ansible.builtin.debug", f'msg="{{{{ {expression} }}}}"')["msg"]


def _listening(host: Host) -> set[int]:
    lines = host.check_output("ss --listening --tcp --numeric --no-header").splitlines()
    return {int(line.split()[3].rpartition(":")[2]) for line in lines}


def _served(host: Host, variables: Variables) -> set[int]:
    """Return the ports of this host meant for outside clients, by its groups."""
    groups = host.ansible.get_variables()["group_names"]
    ports = {"ai_service_hosts": ("ai_service", "ai_service_port"), "web_hosts": ("web", "web_port")}
    return {int(variables(role)[port]) for group, (role, port) in ports.items() if group in groups}


def test_outsider_reaches_ssh_and_the_open_services_only(host: Host, variables: Variables) -> None:
    """Every port that something listens on, and those that are tried first, are closed to this machine."""
    address = str(_templated(host, "ansible_host | default(inventory_hostname)"))
    ssh = int(_templated(host, "ansible_port | default(22)"))
    if not answering(address, [ssh]):
        pytest.skip(f"no direct way from here to port {ssh} of {address}: an outsider elsewhere has to try")
    wanted = variables("firewall")
    services = [*wanted["firewall_services"], *wanted["firewall_extra_services"]]
    allowed = {*wanted["firewall_ssh_ports"], ssh, *(int(each["port"]) for each in services if "from" not in each)}
    allowed |= _served(host, variables)
    listening = _listening(host)
    reached = opened(host, address, {*_TEMPTING, *_OURS, *listening} - allowed, listening)
    assert reached == set(), f"open to outsiders, but in no list of the inventory: {sorted(reached)}"


def test_open_service_is_reached_from_outside(host: Host, variables: Variables) -> None:
    """Closing everything is no art: the application has to reach the API."""
    served = _served(host, variables)
    if not served:
        pytest.skip("no service for outsiders on this host")
    address = str(_templated(host, "ansible_host | default(inventory_hostname)"))
    assert accepting(address, served) == served


def test_only_the_services_hosts_reach_ollama_and_redis(host: Host, variables: Variables) -> None:
    """Another host of the site is as much an outsider to them as anybody."""
    names = host.ansible.get_variables()
    if "ai_service_hosts" in names["group_names"]:
        pytest.skip("this host's service may reach them")
    here = names["inventory_hostname"]
    script = "import socket; socket.create_connection(('{}', {}), 2)"
    for group, port in (
        ("ollama_hosts", variables("ollama")["ollama_publish_port"]),
        ("redis_hosts", variables("redis")["redis_port"] or 6379),
    ):
        peers = f"groups['{group}'] | default([]) | difference(['{here}']) | map('extract', hostvars)"
        for address in _templated(host, f"{peers} | map(attribute='private_address')"):
            tried = host.run("python3 -c %s", script.format(address, port))
            assert "TimeoutError" in tried.stderr, f"{address} port {port} answers {here}: {tried.stderr or 'accepted'}"


def test_rules_come_back_with_the_next_start(host: Host) -> None:
    """The unit that loads them is enabled, and they are in force."""
    assert host.service("alchemorsel-firewall.service").is_enabled
    assert "policy drop" in host.check_output("nft list chain inet alchemorsel input")
