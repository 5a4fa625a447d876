"""Rulesets of packet filters that hosts have, as their programs print them, and a machine that has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

UFW = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:ufw-before-input - [0:0]
:ufw-after-input - [0:0]
:ufw-reject-input - [0:0]
:ufw-user-input - [0:0]
:ufw-not-local - [0:0]
:ufw-user-limit - [0:0]
:ufw-user-limit-accept - [0:0]
:ufw-skip-to-policy-input - [0:0]
-A INPUT -j ufw-before-input
-A INPUT -j ufw-after-input
-A INPUT -j ufw-reject-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A ufw-before-input -p udp -m udp --sport 67 --dport 68 -j ACCEPT
-A ufw-before-input -j ufw-not-local
-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
-A ufw-not-local -j DROP
-A ufw-user-input -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --set --name X
-A ufw-user-input -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --update --seconds 30 -j ufw-user-limit
-A ufw-user-input -p tcp -m tcp --dport 22 -j ufw-user-limit-accept
-A ufw-user-input -p tcp -m multiport --dports 80,8000:8100 -m comment --comment "the -A site" -j ACCEPT
-A ufw-user-input -s 10.0.0.0/8 -p tcp -m tcp --dport 6379 -j ACCEPT
-A ufw-user-limit -j REJECT --reject-with icmp-port-unreachable
-A ufw-user-limit-accept -j ACCEPT
REJECTING
COMMIT
"""
"""ufw with `default deny incoming`, `limit 22/tcp`, `allow 80,8000:8100/tcp` and one rule for a network."""

UFW_DENY = UFW.replace("REJECTING\n", "")
UFW_REJECT = UFW.replace("REJECTING", "-A ufw-reject-input -j REJECT --reject-with icmp-port-unreachable")

DOCKER = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A DOCKER-USER -j RETURN
COMMIT
"""


def rule(chain: str, *expressions: dict[str, Any], table: str = "site", family: str = "inet") -> dict[str, Any]:
    """Return a rule as nft lists it."""
    return {"rule": {"family": family, "table": table, "chain": chain, "expr": list(expressions)}}


def match(left: Any, right: Any, operator: str = "==") -> dict[str, Any]:
    """Return a match as nft lists it."""
    return {"match": {"op": operator, "left": left, "right": right}}


def field(protocol: str, name: str) -> dict[str, Any]:
    """Return the field of a header as nft lists it."""
    return {"payload": {"protocol": protocol, "field": name}}


DPORT = field("tcp", "dport")
STATE = {"ct": {"key": "state"}}
ACCEPT: dict[str, Any] = {"accept": None}
DROP: dict[str, Any] = {"drop": None}
REJECT: dict[str, Any] = {"reject": {"type": "tcp reset"}}


def ruleset(*entries: dict[str, Any], policy: str = "drop", hook: str = "input", table: str = "site") -> str:
    """Return a table with one base chain, as `nft --json list ruleset` prints it."""
    names = {"family": "inet", "table": table, "type": "filter", "prio": 0, "policy": policy}
    listed = [
        {"metainfo": {"version": "1.0.6"}},
        {"table": {"family": "inet", "name": table, "handle": 1}},
        {"chain": {**names, "name": "input", "hook": hook}},
        {"chain": {"family": "inet", "table": table, "name": "more"}},
        *entries,
    ]
    return json.dumps({"nftables": listed})


class FilteredHost:
    """A host with packet filters: programs that print rules, and files.

    Args:
        root: Its file system.
        printed: What programs print, by their first two words; others are not there.
    """

    def __init__(self, root: Path, printed: Mapping[str, str]) -> None:
        self.root = root
        self._printed = printed
        (root / "proc" / "net").mkdir(parents=True, exist_ok=True)

    def run(self, command: list[str]) -> tuple[int, str, str]:
        """Print rules, or the way to a caller by the interface eth0."""
        if command[0] == "ip":
            return 0, f"{command[-1]} via 10.0.0.1 dev eth0 src 10.0.0.9", ""
        name = command[0].rpartition("/")[2]
        for words in (name, f"{name} {command[1]}" if len(command) > 1 else name):
            if words in self._printed:
                return 0, self._printed[words], ""
        return 127, "", "not found"

    def write(self, path: str, text: str) -> None:
        """Write a file of the host."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
