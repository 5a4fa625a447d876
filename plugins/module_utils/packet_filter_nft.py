"""Rules of nftables, as `nft --json list ruleset` prints them (libnftables-json(5)).

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any

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
    all_of,
    any_of,
    comes_in_by,
    is_from,
    negated,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Match = Callable[[Packet], "bool | None"]
    Named = Mapping[tuple[str, str, str], Sequence[Any]]

VERDICTS = {"accept": ACCEPT, "drop": DROP, "reject": REJECT, "return": RETURN, "queue": UNDECIDED}
PORTS = {"tcp", "udp", "th", "sctp", "dccp", "udplite"}
"""Headers that have ports; `th` is any of them."""
FAMILY_HEADERS = {"ip": "ip", "ip6": "ip6", "icmp": "ip", "icmpv6": "ip6"}
SYN = {"syn"}


def tables(text: str) -> list[Table]:
    """Return the tables; none where the text is not a ruleset."""
    try:
        entries = json.loads(text)["nftables"]
    except (ValueError, KeyError, TypeError):
        return []
    found: dict[tuple[str, str], Table] = {}
    named: dict[tuple[str, str, str], Sequence[Any]] = {}
    for kind, entry in (next(iter(each.items())) for each in entries):
        if kind == "table":
            found[entry["family"], entry["name"]] = Table(entry["family"], entry["name"], "nft", {})
        elif kind == "chain":
            policy = DROP if entry.get("policy") == "drop" else ACCEPT
            found[entry["family"], entry["table"]].chains[entry["name"]] = Chain([], entry.get("hook", ""), policy)
        elif kind in {"set", "map"}:
            named[entry["family"], entry["table"], entry["name"]] = entry.get("elem", [])
    for kind, entry in (next(iter(each.items())) for each in entries):
        if kind == "rule":
            reader = _Reader(entry["family"], entry["table"], named)
            found[entry["family"], entry["table"]].chains[entry["chain"]].rules.extend(reader.rules(entry["expr"]))
    return list(found.values())


class _Reader:
    """Reads the rules of one table."""

    def __init__(self, family: str, table: str, named: Named) -> None:
        self._table = (family, table)
        self._named = named

    def rules(self, statements: Sequence[Mapping[str, Any]]) -> list[Rule]:
        """Return a rule, or one for each element of its verdict map."""
        matches: list[Match] = []
        has_unshown = False
        for statement in statements:
            kind, value = next(iter(statement.items()))
            if kind == "match":
                matches.append(self._match(value))
            elif kind in {"limit", "ct count"}:  # one connection alone stays below every limit
                is_over = bool(isinstance(value, dict) and value.get("inv"))
                matches.append(lambda _packet, held=not is_over: held)  # type: ignore[misc]
            elif kind == "vmap":
                return self._verdict_map(matches, value)
            elif kind == "xt":  # of iptables, which nft does not show
                has_unshown = True
                matches.append(lambda _packet: None)
            elif kind in VERDICTS or kind in {JUMP, GOTO}:
                return [_judged(matches, statement)]
        return [Rule(matches, UNDECIDED if has_unshown else "")]

    def _verdict_map(self, matches: list[Match], value: Mapping[str, Any]) -> list[Rule]:
        pairs = self._elements(value["data"])
        if pairs is None:
            return [Rule(matches, UNDECIDED)]
        rules = []
        for key, verdict in pairs:
            held = self._match({"op": "==", "left": value["key"], "right": _plain(key)})
            rules.append(_judged([*matches, held], verdict))
        return rules

    def _match(self, value: Mapping[str, Any]) -> Match:
        operator, left, right = value["op"], value["left"], value["right"]

        def match(packet: Packet) -> bool | None:
            if _is_other_header(left, packet):
                return False
            elements = self._elements(right)
            if elements is None:
                return None
            if operator in {"<", ">", "<=", ">="}:
                return _compares(operator, left, right, packet)
            held = any_of(_equals(left, each, packet) for each in elements)
            return negated(held) if operator == "!=" else held

        return match

    def _elements(self, right: Any) -> Sequence[Any] | None:
        """Return the alternatives that a right side has; None where they are not known."""
        if isinstance(right, str) and right.startswith("@"):
            found = self._named.get((*self._table, right[1:]))
            return None if found is None else [_plain(each) for each in found]
        if isinstance(right, dict) and "set" in right:
            inner = right["set"]
            return [_plain(each) for each in (inner if isinstance(inner, list) else [inner])]
        return right if isinstance(right, list) else [right]


def _plain(element: Any) -> Any:
    """Return an element without its timeout, counter or comment."""
    return element["elem"]["val"] if isinstance(element, dict) and "elem" in element else element


def _judged(matches: list[Match], statement: Mapping[str, Any]) -> Rule:
    kind, value = next(iter(statement.items()))
    if kind in {JUMP, GOTO}:
        return Rule(matches, kind, value["target"])
    return Rule(matches, VERDICTS.get(kind, UNDECIDED))


def _is_other_header(left: Any, packet: Packet) -> bool:
    """Return whether a match asks for a header that the packet does not have."""
    if isinstance(left, dict) and "&" in left:
        left = left["&"][0]
    if not isinstance(left, dict) or "payload" not in left:
        return False
    header = left["payload"].get("protocol", "")
    if header in {"icmp", "icmpv6", "ah", "esp", "comp"}:
        return True
    if header in FAMILY_HEADERS:
        return FAMILY_HEADERS[header] != packet.family
    return header in PORTS and header not in {"th", packet.protocol}


def _equals(left: Any, right: Any, packet: Packet) -> bool | None:
    """Return whether a packet has a value; None where the packet alone does not tell."""
    if not isinstance(left, dict):
        return None
    kind, of = next(iter(left.items()))
    known: dict[str, Callable[[], bool | None]] = {
        "concat": lambda: _all_equal(of, right, packet),
        "&": lambda: _flags_equal(of, right),
        "payload": lambda: right == "syn" if _is_flags(left) else _payload_equals(of, right, packet),
        "meta": lambda: _meta_equals(of["key"], right, packet),
        "ct": lambda: _state_equals(of["key"], right, packet),
        # a way back is taken for granted, and that the destination is this host
        "fib": lambda: right == "local" if of.get("result") == "type" else right is not False,
    }
    return known[kind]() if kind in known else None


def _all_equal(parts: Sequence[Any], right: Any, packet: Packet) -> bool | None:
    values = right.get("concat", ()) if isinstance(right, dict) else ()
    if len(values) != len(parts):
        return None
    return all_of(_equals(part, value, packet) for part, value in zip(parts, values, strict=True))


def _flags_equal(masked: Sequence[Any], right: Any) -> bool | None:
    mask = set(masked[1] if isinstance(masked[1], list) else _words(masked[1]))
    value = set(right if isinstance(right, list) else _words(right))
    return (SYN & mask) == value if _is_flags(masked[0]) else None


def _state_equals(key: str, right: Any, packet: Packet) -> bool | None:
    # Only what is forwarded to a container was translated, and has no port that is known.
    status = "dnat" if packet.port is None else ""
    known = {
        "state": "new",
        "direction": "original",
        "status": status,
        "proto-dst": packet.port,
        "l3proto": _nfproto(packet),
    }
    return _same(known.get(key), right)


def _payload_equals(of: Mapping[str, Any], right: Any, packet: Packet) -> bool | None:
    field = of.get("field")
    if field == "dport":
        return _same(packet.port, right)
    if field == "saddr":
        return _is_source(packet, right)
    return _same(packet.protocol if field in {"protocol", "nexthdr"} else None, right)


def _meta_equals(key: str, right: Any, packet: Packet) -> bool | None:
    if key in {"iif", "iifname"}:
        return comes_in_by(packet, str(right))
    if key == "pkttype":
        return right in {"host", "unicast"}
    return _same({"l4proto": packet.protocol, "nfproto": _nfproto(packet), "protocol": packet.family}.get(key), right)


def _is_source(packet: Packet, right: Any) -> bool | None:
    if isinstance(right, dict) and "prefix" in right:
        return is_from(packet, f"{right['prefix']['addr']}/{right['prefix']['len']}")
    if isinstance(right, dict) and "range" in right:
        first, last = (ipaddress.ip_address(end) for end in right["range"])
        return first <= ipaddress.ip_address(packet.source) <= last  # type: ignore[operator]
    return is_from(packet, str(right)) if isinstance(right, str) else None


def _same(value: Any, right: Any) -> bool | None:
    if value is None:
        return None
    if isinstance(right, dict) and "range" in right:
        first, last = right["range"]
        return first <= value <= last if isinstance(first, int) and isinstance(value, int) else None
    if isinstance(right, (dict, bool)) or (isinstance(value, int) and isinstance(right, str)):
        return None
    return bool(value == {6: "tcp", 17: "udp"}.get(right, right) if isinstance(value, str) else value == right)


def _compares(operator: str, left: Any, right: Any, packet: Packet) -> bool | None:
    is_port = isinstance(left, dict) and left.get("payload", {}).get("field") == "dport"
    if not is_port or packet.port is None or not isinstance(right, int):
        return None
    below, above = packet.port < right, packet.port > right
    return {"<": below, ">": above, "<=": not above, ">=": not below}[operator]


def _is_flags(left: Any) -> bool:
    return bool(
        isinstance(left, dict)
        and left.get("payload", {}).get("protocol") == "tcp"
        and left["payload"].get("field") == "flags"
    )


def _words(value: Any) -> list[str]:
    """Return the flags of `syn`, or of `{"|": ["fin", "syn"]}`."""
    if isinstance(value, dict) and "|" in value:
        return [word for part in value["|"] for word in _words(part)]
    return [value] if isinstance(value, str) else []


def _nfproto(packet: Packet) -> str:
    return "ipv4" if packet.family == "ip" else "ipv6"
