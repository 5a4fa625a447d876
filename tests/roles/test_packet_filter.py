"""What packet filters do with a new connection, found from rules of iptables and nftables."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.module_utils import packet_filter_iptables, packet_filter_nft
from ansible_collections.alchemorsel.ai.plugins.module_utils.packet_filter import Packet

from tests.roles.packet_rules import (
    ACCEPT,
    DPORT,
    DROP,
    REJECT,
    STATE,
    UFW_DENY,
    UFW_REJECT,
    field,
    match,
    rule,
    ruleset,
)


def packet(port: int | None = 3010, source: str = "198.18.255.254", interface: str = "eth0") -> Packet:
    """Return the first packet of a connection."""
    return Packet("ip6" if ":" in source else "ip", "tcp", port, source, interface)


def by_iptables(text: str, sent: Packet) -> set[str]:
    """Return the outcomes in the chain INPUT."""
    (table,) = packet_filter_iptables.tables(text, "ip", "iptables")
    return table.outcomes("INPUT", sent)


def by_nft(*entries: dict[str, Any], sent: Packet | None = None, policy: str = "drop") -> set[str]:
    """Return the outcomes in a chain of a site's table."""
    (table,) = packet_filter_nft.tables(ruleset(*entries, policy=policy))
    return table.outcomes("input", sent or packet())


@pytest.mark.parametrize(
    ("port", "source", "outcomes"),
    [
        (3010, "198.18.255.254", {"drop"}),
        (22, "198.18.255.254", {"accept"}),
        (80, "198.18.255.254", {"accept"}),
        (8050, "198.18.255.254", {"accept"}),
        (8101, "198.18.255.254", {"drop"}),
        (6379, "198.18.255.254", {"drop"}),
        (6379, "10.20.0.41", {"accept"}),
    ],
)
def test_ufw_is_followed_through_its_chains(port: int, source: str, outcomes: set[str]) -> None:
    """A limited port is open to one connection, a port for a network to that network."""
    assert by_iptables(UFW_DENY, packet(port, source)) == outcomes


def test_ufw_that_rejects_is_told_from_one_that_drops() -> None:
    """Callers of the one are refused, those of the other wait."""
    assert by_iptables(UFW_REJECT, packet()) == {"reject"}


@pytest.mark.parametrize(
    ("line", "outcomes"),
    [
        ("-A INPUT -i eth+ -p tcp -j ACCEPT", {"accept"}),
        ("-A INPUT -i docker0 -j ACCEPT", {"drop"}),
        ("-A INPUT ! -i eth0 -j ACCEPT", {"drop"}),
        ("-A INPUT -p tcp -m tcp ! --dport 3010 -j ACCEPT", {"drop"}),
        ("-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT", {"accept"}),
        ("-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN FIN,SYN -j ACCEPT", {"drop"}),
        ("-A INPUT -d 10.0.0.9/32 -j ACCEPT", {"accept", "drop"}),
        ("-A INPUT -m set --match-set trusted src -j ACCEPT", {"accept", "drop"}),
        ("-A INPUT -m mark --mark 0x1 -j NFQUEUE", {"accept", "drop"}),
        ("-A INPUT -m hashlimit --hashlimit-above 9/sec --hashlimit-name x -j REJECT", {"drop"}),
        ("-A INPUT -g elsewhere", {"accept"}),
        ('-A INPUT -m comment --comment "-j ACCEPT" -j LOG', {"drop"}),
    ],
)
def test_match_of_iptables(line: str, outcomes: set[str]) -> None:
    """What the rules alone do not decide has both outcomes."""
    text = f"*filter\n:INPUT DROP [0:0]\n:elsewhere - [0:0]\n{line}\n-A elsewhere -s 198.18.0.0/15 -j ACCEPT\nCOMMIT\n"
    assert by_iptables(text, packet()) == outcomes


@pytest.mark.parametrize(
    ("expressions", "outcomes"),
    [
        ([match(DPORT, 3010), ACCEPT], {"accept"}),
        ([match(DPORT, {"set": [22, {"range": [3000, 3020]}]}), ACCEPT], {"accept"}),
        ([match(DPORT, 3010, "!="), ACCEPT], {"drop"}),
        ([match(DPORT, 1024, ">="), ACCEPT], {"accept"}),
        ([match(field("udp", "dport"), 3010), ACCEPT], {"drop"}),
        ([match(field("th", "dport"), 3010), ACCEPT], {"accept"}),
        ([match({"meta": {"key": "l4proto"}}, "tcp"), match(field("th", "dport"), 3010), ACCEPT], {"accept"}),
        ([match(STATE, ["established", "related"], "in"), ACCEPT], {"drop"}),
        ([match(STATE, {"set": ["new", "established"]}), ACCEPT], {"accept"}),
        ([match({"meta": {"key": "iifname"}}, {"set": ["lo", "docker0"]}), ACCEPT], {"drop"}),
        ([match({"meta": {"key": "iif"}}, "lo", "!="), REJECT], {"reject"}),
        ([match(field("ip", "saddr"), {"prefix": {"addr": "198.18.0.0", "len": 15}}), ACCEPT], {"accept"}),
        (
            [match(field("ip", "saddr"), {"set": ["10.0.0.1", {"range": ["198.18.0.1", "198.19.0.1"]}]}), ACCEPT],
            {"accept"},
        ),
        ([match(field("ip6", "saddr"), "fdfa::1"), ACCEPT], {"drop"}),
        ([match(field("icmp", "type"), "echo-request"), ACCEPT], {"drop"}),
        ([match(field("ip", "saddr"), "@trusted"), ACCEPT], {"accept"}),
        ([match(field("ip", "saddr"), "@unknown"), ACCEPT], {"accept", "drop"}),
        ([{"limit": {"rate": 9, "per": "second"}}, ACCEPT], {"accept"}),
        ([{"limit": {"rate": 9, "per": "second", "inv": True}}, DROP], {"drop"}),
        ([{"counter": {"packets": 1, "bytes": 2}}, {"log": None}, {"jump": {"target": "more"}}], {"accept"}),
        ([{"goto": {"target": "more"}}], {"accept"}),
        ([{"xt": None}, {"counter": {}}], {"accept", "drop"}),
        ([match({"meta": {"key": "mark"}}, 1), DROP], {"drop"}),
        ([{"vmap": {"key": DPORT, "data": {"set": [[22, ACCEPT], [3010, REJECT]]}}}], {"reject"}),
        ([{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": "@zones"}}], {"accept"}),
        ([match({"&": [field("tcp", "flags"), {"|": ["syn", "ack"]}]}, "syn", "!="), DROP], {"drop"}),
        ([match({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, right=False), DROP], {"drop"}),
    ],
)
def test_match_of_nftables(expressions: list[dict[str, Any]], outcomes: set[str]) -> None:
    """Sets, ranges, maps and headers as nft lists them; the rest of the chain is its policy, drop."""
    names = {"family": "inet", "table": "site", "name": "trusted"}
    trusted = {"set": {**names, "elem": [{"elem": {"val": "198.18.255.254", "timeout": 60}}]}}
    zones = {"map": {**names, "name": "zones", "elem": [["eth0", {"goto": {"target": "more"}}]]}}
    more = rule("more", match(DPORT, 3010), ACCEPT)
    assert by_nft(trusted, zones, rule("input", *expressions), more) == outcomes


def test_reverse_path_check_and_flags_of_a_first_packet_let_it_pass() -> None:
    """Hardened tables drop by them what is no sound first packet."""
    flags = match({"&": [field("tcp", "flags"), {"|": ["syn", "ack"]}]}, "syn", "!=")
    reverse = match({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, right=False)
    assert by_nft(rule("input", flags, DROP), rule("input", reverse, DROP), policy="accept") == {"accept"}


def test_return_goes_on_behind_the_jump() -> None:
    """The caller's next rule decides."""
    jump = rule("input", {"jump": {"target": "more"}})
    back = rule("more", match(DPORT, 3010), {"return": None})
    entries = [jump, back, rule("more", DROP), rule("input", match(DPORT, 3010), ACCEPT)]
    assert by_nft(*entries) == {"accept"}


def test_what_is_no_ruleset_has_no_tables() -> None:
    """A message in its place is not taken for open doors, nor does it end the survey."""
    assert packet_filter_nft.tables("Operation not permitted") == []
