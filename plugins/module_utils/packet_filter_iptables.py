"""Rules of iptables, of either variant, as `iptables-save` prints them.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import ipaddress
import shlex
from typing import TYPE_CHECKING

from ansible_collections.alchemorsel.ai.plugins.module_utils.packet_filter import (
    ACCEPT,
    DROP,
    GOTO,
    JUMP,
    REJECT,
    RETURN,
    UNDECIDED,
    Chain,
    Packet,
    Rule,
    Table,
    any_of,
    comes_in_by,
    is_from,
    negated,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Match = Callable[[Packet], "bool | None"]

HOOKS = {"PREROUTING": "prerouting", "INPUT": "input", "FORWARD": "forward", "OUTPUT": "output"}
TARGETS = {
    "ACCEPT": ACCEPT,
    "DROP": DROP,
    "REJECT": REJECT,
    "RETURN": RETURN,
    "TARPIT": DROP,
    "QUEUE": UNDECIDED,
    "NFQUEUE": UNDECIDED,
}
"""Of others (LOG, MARK) a packet comes back; what is neither here nor there is a chain."""
PROTOCOLS = {"6": "tcp", "17": "udp"}
HELD = {"--syn", "--limit", "--hashlimit-upto", "--connlimit-upto", "--set"}
"""One connection alone stays below every rate, and is no repetition."""
NOT_HELD = {"--hashlimit-above", "--connlimit-above", "--update", "--rcheck", "--icmp-type", "--icmpv6-type"}
IGNORED = {
    *("-m", "--match", "--comment", "--limit-burst", "--limit-iface-in", "--name", "--seconds", "--hitcount", "--mask"),
    *("--rsource", "--rdest", "--hashlimit-name", "--hashlimit-mode", "--hashlimit-burst", "--hashlimit-srcmask"),
    *("--hashlimit-dstmask", "--hashlimit-htable-expire", "--connlimit-mask", "--connlimit-saddr", "--reap", "--rttl"),
    *("--hashlimit-htable-size", "--hashlimit-htable-max", "--hashlimit-htable-gcinterval"),
}


def tables(text: str, family: str, program: str) -> list[Table]:
    """Return the tables of one family.

    Args:
        text: What `iptables-save` or `ip6tables-save` printed.
        family: `ip` or `ip6`.
        program: By which an operator changes them.
    """
    found: list[Table] = []
    for line in text.splitlines():
        if line.startswith("*"):
            found.append(Table(family, line[1:].strip(), program, {}))
        elif line.startswith(":") and found:
            name, policy, *_counters = line[1:].split()
            hook = HOOKS.get(name, "") if policy != "-" else ""
            found[-1].chains[name] = Chain([], hook, DROP if policy == "DROP" else ACCEPT)
        elif line.startswith("-A ") and found:
            _append, name, *words = shlex.split(line)
            found[-1].chains.setdefault(name, Chain([])).rules.append(_rule(words, found[-1].chains))
    return found


def _rule(words: Sequence[str], chains: dict[str, Chain]) -> Rule:
    matches: list[Match] = []
    at, is_negated = 0, False
    while at < len(words):
        option, values = words[at], []
        at += 1
        if option == "!":
            is_negated = True
            continue
        if option in {"-j", "-g"}:
            return _judged(matches, option, words[at], chains)
        while at < len(words) and words[at] != "!" and not words[at].startswith("-"):
            values.append(words[at])
            at += 1
        match = _match(option, values)
        if match is not None:
            matches.append(_negation(match) if is_negated else match)
        is_negated = False
    return Rule(matches, "")


def _judged(matches: list[Match], option: str, target: str, chains: dict[str, Chain]) -> Rule:
    if target in TARGETS:
        return Rule(matches, TARGETS[target])
    if target in chains:
        return Rule(matches, GOTO if option == "-g" else JUMP, target)
    return Rule(matches, "")


def _negation(match: Match) -> Match:
    return lambda packet: negated(match(packet))


def _match(option: str, values: Sequence[str]) -> Match | None:
    """Return what an option asks of a packet; None where it asks nothing."""
    value = values[0] if values else ""
    if option in IGNORED:
        return None
    if option in HELD:
        return lambda _packet: True
    if option in NOT_HELD:
        return lambda _packet: False
    known: dict[str, Match] = {
        "-p": lambda packet: _has_protocol(packet, value),
        "-s": lambda packet: any_of(is_from(packet, each) for each in value.split(",")),
        "-d": lambda _packet: _is_destination(value),
        "-i": lambda packet: comes_in_by(packet, value),
        "--dport": lambda packet: _has_port(packet, value),
        "--dports": lambda packet: _has_port(packet, value),
        "--ctstate": lambda _packet: "NEW" in value.split(","),
        "--state": lambda _packet: "NEW" in value.split(","),
        "--dst-type": lambda _packet: value == "LOCAL",
        "--src-type": lambda _packet: value == "UNICAST",
        "--tcp-flags": lambda _packet: {"SYN"} & set(value.split(",")) == set(values[1].split(",")) - {"NONE"},
        "--invert": lambda _packet: False,  # of rpfilter: a way back is taken for granted
    }
    return known.get(option, _undecided)


def _undecided(_packet: Packet) -> bool | None:
    return None


def _has_protocol(packet: Packet, name: str) -> bool:
    return name in {"all", "0"} or PROTOCOLS.get(name, name) == packet.protocol


def _has_port(packet: Packet, text: str) -> bool | None:
    """Return whether the destination is among ports and ranges, `80,8000:8100`."""
    if packet.port is None:
        return None
    ranges = [(first, last or first) for first, _colon, last in (each.partition(":") for each in text.split(","))]
    if not all(end.isdigit() for pair in ranges for end in pair):
        return None
    return any(int(first) <= packet.port <= int(last) for first, last in ranges)


def _is_destination(text: str) -> bool | None:
    """Return whether a network holds this host's address: not that of a group, of everybody or of loopback."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    if network.prefixlen == 0:
        return True
    is_other = network.is_multicast or network.is_loopback or text.startswith("255.255.255.255")
    return False if is_other else None
