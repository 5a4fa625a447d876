"""The packet filters that a host had before are in force as they were, and what the site serves is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hosts.outside import accepting

if TYPE_CHECKING:
    from testinfra.host import Host

PASTS = {
    "ufw": ("ufw status verbose", ["Status: active", "Default: reject (incoming)", "22/tcp", "8080/tcp"]),
    "firewalld": ("firewall-cmd --list-all", ["services: dhcpv6-client ssh", "8080/tcp"]),
    "site-table": ("nft list table inet site", ["policy drop", "8080", "what the site serves"]),
}
SERVED = {22, 8080}


@pytest.fixture
def past(host: Host) -> str:
    """Give what the host had before."""
    name = str(host.ansible.get_variables().get("past", ""))
    if name not in PASTS:
        pytest.skip("a host without a packet filter of its own")
    return name


def test_rules_of_the_site_are_in_force(host: Host, past: str) -> None:
    """As its owner wrote them, with what he opened since."""
    command, words = PASTS[past]
    shown = host.check_output(command)
    assert [word for word in words if word not in shown] == []


@pytest.mark.usefixtures("past")
def test_what_the_site_serves_is_reached(host: Host) -> None:
    """From another machine, through both filters."""
    address = str(host.ansible.get_variables()["ansible_host"])
    assert accepting(address, SERVED) == SERVED


def test_filter_of_the_site_starts_with_the_host(host: Host, past: str) -> None:
    """Its unit is enabled as it was."""
    unit = {"ufw": "ufw.service", "firewalld": "firewalld.service", "site-table": "nftables.service"}[past]
    assert host.service(unit).is_enabled
