"""What the role load_balancer refuses before it changes anything, and what it says to do."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.alchemorsel.ai.plugins.filter.load_balancer_problems import (
    port_problems,
    probes,
    setting_problems,
)

from tests.edge_program import ROLE, frontend
from tests.roles.templates import evaluate, role_variables

SERVERS = {"1": "unix@/run/alchemorsel/ai/1.sock"}
OPEN = [frontend(3010, SERVERS, address="10.0.0.5")]
EDGE = "alchemorsel-edge.service"


def found(**settings: Any) -> list[dict[str, str]]:
    """Return the problems of settings other than the defaults."""
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    return setting_problems({**defaults, **settings})


@pytest.mark.parametrize("choice", ["off", "own", False, "false", "no"])
def test_fit_settings_have_no_problem(choice: Any) -> None:
    """With the defaults, and with an address that others reach."""
    assert found() == []
    assert found(load_balancer_tls=choice, load_balancer_frontends=OPEN) == []


def test_site_that_others_reach_has_to_choose() -> None:
    """The three choices are named."""
    (problem,) = found(load_balancer_frontends=OPEN)
    assert problem["problem"] == "load_balancer_tls is not set, and other machines reach api on 10.0.0.5"
    for choice in ("own (", "given (", "or off ("):
        assert choice in problem["remedy"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"load_balancer_tls": "given"}, "load_balancer_certificate_file and load_balancer_key_file is not set"),
        ({"load_balancer_frontends": []}, "load_balancer_frontends is empty"),
        ({"load_balancer_frontends": [frontend(3010, SERVERS), frontend(3012, SERVERS)]}, "names one twice: api, api"),
        (
            {"load_balancer_tls": "off", "load_balancer_frontends": [frontend(3010, SERVERS, address="all")]},
            "'all' is not an address",
        ),
        (
            {"load_balancer_frontends": [frontend(3010, {"1": "/run/1.sock"})]},
            "invalid address of a server: /run/1.sock",
        ),
        ({"load_balancer_frontends": [frontend(3010, {"1": "unix@/run/a\nuser root"})]}, "invalid address of a server"),
        ({"load_balancer_frontends": [frontend(3010, {"1\nx": "unix@/run/1.sock"})]}, "servers are named"),
        ({"load_balancer_frontends": [frontend(3010, {})]}, "servers are named nowhere"),
        ({"load_balancer_frontends": [frontend(70000, SERVERS)]}, "70000 is not a port"),
        ({"load_balancer_exporter_port": 0}, "load_balancer_exporter_port: 0 is not a port"),
        ({"load_balancer_max_connections": 0}, "load_balancer_max_connections is 0"),
        (
            {"load_balancer_max_connections": 2000},
            "needs 769 MiB on 2 frontends at worst, and load_balancer_memory_max is 512M",
        ),
        ({"load_balancer_memory_max": "much"}, "'much' is not a size"),
        ({"load_balancer_server_timeout": 0}, "less than a second"),
        ({"load_balancer_tls_names": ["ai_1.example.com", "a b"]}, "'a b' is neither a host name nor an address"),
        ({"load_balancer_exporter_from": ["10.0.0.0/33"]}, "'10.0.0.0/33' is neither an address nor a network"),
        ({"load_balancer_exporter_address": "everywhere"}, "'everywhere' is not an address"),
    ],
)
def test_what_cannot_work_is_refused(settings: dict[str, Any], told: str) -> None:
    """One thing at a time, each with what to do."""
    (problem,) = found(**settings)
    assert told in problem["problem"]
    assert problem["remedy"]


def test_port_that_is_used_twice_is_told_of_both() -> None:
    """Whoever is meant."""
    told = [each["problem"] for each in found(load_balancer_exporter_port=3010)]
    assert told == [
        "api in load_balancer_frontends: port 3010 is used twice",
        "load_balancer_exporter_port: port 3010 is used twice",
    ]


def test_memory_that_is_named_is_enough() -> None:
    """The remedy works."""
    (problem,) = found(load_balancer_max_connections=2000)
    size = problem["remedy"].split()[3].rstrip(",")
    assert found(load_balancer_max_connections=2000, load_balancer_memory_max=size) == []


def test_value_of_the_wrong_type_is_left_to_the_specification() -> None:
    """Which reports it beside all the rest."""
    assert found(load_balancer_max_connections="many", load_balancer_exporter_port="any") == []


@pytest.mark.parametrize(("choice", "tls"), [("own", True), ("given", True), ("off", False), ("", False)])
def test_verification_asks_over_tls_where_others_reach_the_edge(choice: str, *, tls: bool) -> None:
    """On loopback it speaks plain HTTP."""
    page = frontend(3011, SERVERS, "page")
    assert [(each["path"], each["tls"]) for each in probes([*OPEN, page], choice)] == [
        ("/health/ready", tls),
        ("/", False),
    ]


def listener(port: int, owner: str, address: str = "127.0.0.1") -> dict[str, Any]:
    """Return a listener as the module load_balancer_facts does."""
    return {"port": port, "owner": owner, "address": address, "pid": 1, "process": owner}


def test_ports_of_others_are_told_with_their_holders() -> None:
    """Neither the edge's own nor those of units that it takes over from."""
    ours = [EDGE, "alchemorsel-ai.socket", "alchemorsel-ai@blue.service"]
    listeners = [
        listener(3010, "alchemorsel-ai@blue.service"),
        listener(3011, EDGE),
        listener(8405, "haproxy.service"),
        listener(8405, "", "10.0.0.5"),
    ]
    (problem,) = port_problems(listeners, ours)
    assert problem["problem"] == "port 8405 is taken by an unknown process on 10.0.0.5, haproxy.service on 127.0.0.1"
    assert port_problems(listeners[:2], ours) == []


STATE: dict[str, Any] = {
    "listeners": [],
    "packages": {"haproxy": "3.0"},
    "units": {EDGE: {"active": True, "enabled": True, "settled": True}, "old.service": {"active": True}},
    "loaded": {"configuration": "c", "certificate": "", "unit": "u"},
    "certificate": "",
}


def role(name: str, **variables: Any) -> Any:
    """Return an internal variable of the role, with the running edge in the state above."""
    known = {
        **role_variables("load_balancer"),
        "__load_balancer_state": STATE,
        "__load_balancer_config_id": "c",
        "__load_balancer_unit_id": "u",
        "inventory_hostname": "ai-1",
        **variables,
    }
    return evaluate(known[name], known)


@pytest.mark.parametrize(
    ("variables", "restarts", "reloads", "takes_over"),
    [
        ({}, False, False, False),
        ({"__load_balancer_config_id": "new"}, False, True, False),
        ({"__load_balancer_unit_id": "new"}, True, False, False),
        ({"__load_balancer_unit_id": "new", "__load_balancer_config_id": "new"}, True, False, False),
        ({"load_balancer_former_units": ["old.service"]}, False, False, False),
        (
            {
                "load_balancer_tls": "own",
                "load_balancer_frontends": OPEN,
                "__load_balancer_state": {**STATE, "certificate": "A"},
            },
            False,
            True,
            False,
        ),
        (
            {
                "load_balancer_former_units": ["old.service"],
                "__load_balancer_state": {**STATE, "units": {**STATE["units"], EDGE: {"active": False}}},
            },
            False,
            False,
            True,
        ),
    ],
    ids=["settled", "configuration", "unit", "both", "former unit beside it", "certificate", "first start"],
)
def test_running_edge_takes_up_what_it_has_not_loaded(
    variables: dict[str, Any],
    restarts: bool,
    reloads: bool,
    takes_over: bool,
) -> None:
    """Also what a run that was cut off has written; a reload is enough for all but the unit."""
    names = ("__load_balancer_restarts", "__load_balancer_reloads", "__load_balancer_replaces_units")
    assert tuple(role(name, **variables) for name in names) == (restarts, reloads, takes_over)


def test_own_certificate_is_for_what_clients_and_the_inventory_call_the_host() -> None:
    """And for the addresses that it listens on, but not for all of them."""
    frontends = [frontend(3010, SERVERS, address="10.0.0.5"), frontend(3011, SERVERS, "page", "0.0.0.0")]
    names = role("__load_balancer_names", load_balancer_frontends=frontends, load_balancer_tls_names=["ai.example.com"])
    assert names == ["ai.example.com", "ai-1", "10.0.0.5", "localhost", "127.0.0.1", "::1"]
