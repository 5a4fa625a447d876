"""What a host's packet filters do with a new connection, found from their rules alone.

Nothing is sent: chains are followed as the kernel follows them. A match that the rules alone do not decide (a set that
changes, another interface) is followed both ways, so that the result is a set of outcomes.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import ipaddress
from fnmatch import fnmatch
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ACCEPT, DROP, REJECT, RETURN, JUMP, GOTO, UNDECIDED = "accept", "drop", "reject", "return", "jump", "goto", "undecided"
FINAL = {ACCEPT: {ACCEPT}, DROP: {DROP}, REJECT: {REJECT}, UNDECIDED: {ACCEPT, DROP}}
"""Outcomes of the verdicts that end a chain."""


class Packet(NamedTuple):
    """The first packet of a connection that comes in from another host."""

    family: str
    """`ip` or `ip6`."""
    protocol: str
    """`tcp` or `udp`."""
    port: int | None
    """Destination; None where it is not known."""
    source: str
    """Address of the caller."""
    interface: str
    """By which it comes in; empty where it is not known."""


class Rule(NamedTuple):
    """Matches that all have to hold, and what happens then."""

    matches: Sequence[Callable[[Packet], bool | None]]
    verdict: str
    target: str = ""
    """Chain of a jump or a goto."""


class Chain(NamedTuple):
    """Rules, and for a base chain the hook and the verdict at the end."""

    rules: list[Rule]
    hook: str = ""
    policy: str = ACCEPT


class Table(NamedTuple):
    """Chains that may jump to each other."""

    family: str
    """`ip`, `ip6`, `inet` (both) or `netdev` (both, by interface)."""
    name: str
    program: str
    """What shows and changes it: `nft`, `iptables`, `ip6tables`, `iptables-legacy`, `ip6tables-legacy`."""
    chains: dict[str, Chain]

    def sees(self, packet: Packet) -> bool:
        """Return whether packets of that family pass this table."""
        return self.family in {"inet", "netdev", packet.family}

    def outcomes(self, name: str, packet: Packet) -> set[str]:
        """Return what may become of a packet in a base chain: `accept`, `drop`, `reject`."""
        found, goes_on = _follow(self.chains, name, packet)
        return found | ({self.chains[name].policy} if goes_on else set())

    def reached(self, name: str) -> set[str]:
        """Return the names of all chains that a base chain leads to."""
        seen, ahead = set(), [name]
        while ahead:
            here = ahead.pop()
            if here not in seen and here in self.chains:
                seen.add(here)
                ahead += [rule.target for rule in self.chains[here].rules if rule.target]
        return seen


def _follow(chains: Mapping[str, Chain], name: str, packet: Packet) -> tuple[set[str], bool]:
    """Return the final outcomes of a chain, and whether a packet may come out at its end."""
    found: set[str] = set()
    comes_back = False
    for rule in chains[name].rules if name in chains else ():
        holds = all_of(match(packet) for match in rule.matches)
        if holds is False:
            continue
        if rule.verdict in FINAL:
            found |= FINAL[rule.verdict]
            goes_on = False
        elif rule.verdict in {JUMP, GOTO}:
            within, goes_on = _follow(chains, rule.target, packet)
            found |= within
            if rule.verdict == GOTO:  # what comes out there goes to the caller of this chain
                comes_back = comes_back or goes_on
                goes_on = False
        elif rule.verdict == RETURN:
            comes_back, goes_on = True, False
        else:  # counters, logs
            goes_on = True
        if holds and not goes_on:
            return found, comes_back
    return found, True


def all_of(held: Iterable[bool | None]) -> bool | None:
    """Return whether all matches hold: False as soon as one does not, None where one is not decided."""
    answers = list(held)
    if False in answers:
        return False
    return None if None in answers else True


def any_of(held: Iterable[bool | None]) -> bool | None:
    """Return whether one of several holds: True as soon as one does, None where none does but one is not decided."""
    answers = list(held)
    if True in answers:
        return True
    return None if None in answers else False


def negated(held: bool | None) -> bool | None:
    """Return the opposite; what is not decided stays so."""
    return None if held is None else not held


def is_from(packet: Packet, network: str) -> bool | None:
    """Return whether a packet comes from an address or a network; None where the text is neither."""
    try:
        return ipaddress.ip_address(packet.source) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return None


def comes_in_by(packet: Packet, pattern: str) -> bool | None:
    """Return whether a packet comes in by an interface; `+` and `*` at the end of the pattern stand for anything."""
    if packet.interface:
        return fnmatch(packet.interface, pattern[:-1] + "*" if pattern.endswith("+") else pattern)
    return False if pattern == "lo" else None
