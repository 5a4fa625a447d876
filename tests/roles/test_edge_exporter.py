"""Who reads the edge's exporter: address, readers and firewall follow from the groups of the inventory."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.edge_program import configuration
from tests.roles.ansible_module import ROLES
from tests.roles.templates import evaluate, load

PLAYBOOKS = ROLES.parent / "playbooks"
API = {"private_address": "10.20.0.41"}
WATCH = {"private_address": "10.20.0.51"}


def exporter(here: dict[str, Any], **others: dict[str, Any]) -> tuple[str, list[str]]:
    """Return address and readers of the exporter of a host; the others are monitoring hosts."""
    edge = next(play for play in load(PLAYBOOKS / "edge.yml") if "load_balancer_exporter_from" in play["vars"])
    known = {
        **edge["vars"],
        "groups": {"ai_service_hosts": ["api-1"], **({"monitoring_hosts": list(others)} if others else {})},
        "hostvars": {"api-1": here, **others},
        "inventory_hostname": "api-1",
    }
    address: str = evaluate(known["load_balancer_exporter_address"], known)
    readers: list[str] = evaluate(known["load_balancer_exporter_from"], known)
    return address, readers


def test_site_without_monitoring_keeps_it_on_loopback() -> None:
    """Nothing else reads it."""
    assert exporter(API) == ("127.0.0.1", [])


def test_monitoring_host_reads_it_on_the_private_address() -> None:
    """And nothing else does."""
    assert exporter(API, watch=WATCH) == ("10.20.0.41", ["10.20.0.51"])


def test_one_machine_that_does_everything_reads_it_on_loopback() -> None:
    """It has no private address, as its targets have none."""
    assert exporter({}, watch={}) == ("127.0.0.1", [])


def test_inventory_has_the_last_word() -> None:
    """A site with a Prometheus elsewhere names it."""
    chosen = {**API, "load_balancer_exporter_address": "192.0.2.1", "load_balancer_exporter_from": ["192.0.2.0/24"]}
    assert exporter(chosen, watch=WATCH) == ("192.0.2.1", ["192.0.2.0/24"])


@pytest.mark.parametrize(
    ("address", "binds"),
    [
        ("127.0.0.1", ["127.0.0.1:8405"]),
        ("10.20.0.41", ["10.20.0.41:8405", "127.0.0.1:8405"]),
        ("fd00::41", ["ipv6@[fd00::41]:8405", "127.0.0.1:8405"]),
        ("0.0.0.0", ["0.0.0.0:8405"]),
    ],
)
def test_the_operators_page_of_its_host_reads_it_on_loopback(address: str, binds: list[str]) -> None:
    """Wherever monitoring hosts read it."""
    rendered = configuration(load_balancer_frontends=[], load_balancer_exporter_address=address)
    section = rendered.partition("frontend exporter")[2]
    assert re.findall(r"^    bind (\S+)$", section, re.MULTILINE) == binds


@pytest.mark.parametrize(
    ("groups_of_host", "readers"),
    [(["ai_service_hosts"], ["10.20.0.51"]), (["web_hosts"], ["10.20.0.51"]), (["redis_hosts"], None)],
)
def test_firewall_opens_it_for_monitoring_hosts_where_an_edge_is(groups_of_host: list[str], readers: Any) -> None:
    """Hosts with API or page have one."""
    variables = load(PLAYBOOKS / "vars" / "services.yml")
    services = evaluate(
        variables["site_firewall_services"],
        {
            **variables,
            "groups": {"monitoring_hosts": ["watch"]},
            "hostvars": {"watch": WATCH},
            "group_names": groups_of_host,
        },
    )
    assert {each["port"]: each.get("from") for each in services}.get(8405) == readers
