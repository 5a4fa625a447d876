"""Filters that turn what a host has of packet filters into problems with remedies, and into notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Problem = dict[str, str]
SHOWN = 12
"""Listeners named in one notice."""


def firewall_problems(survey: Mapping[str, Any], *, is_enabled: bool = True) -> list[Problem]:
    """Return the filters of others that close a port which the inventory opens: a packet has to pass theirs and ours.

    Args:
        survey: The `survey.firewall` that the module preflight_facts returned.
        is_enabled: Whether the host gets the role firewall; where it does not, notices say the same.
    """
    return _closed(survey) if is_enabled else []


def firewall_notices(
    survey: Mapping[str, Any],
    *,
    is_enabled: bool = True,
    services: Sequence[Mapping[str, Any]] = (),
    ssh_ports: Sequence[int] = (),
) -> list[str]:
    """Return what an operator should know of other filters, and of ports that the role firewall will close.

    Args:
        survey: The `survey.firewall` that the module preflight_facts returned.
        is_enabled: Whether the host gets the role firewall.
        services: Ports that the inventory opens, as the role's variable firewall_services documents them.
        ssh_ports: Ports of SSH that the inventory keeps open.
    """
    notices = [] if is_enabled else [f"{each['problem']}: {each['remedy']}" for each in _closed(survey)]
    notices += [
        f"{_name(each)} may {each['action']} connections to {_ports(each['unclear'])}: its rules alone do not tell. "
        f"If callers are kept out, {' and '.join(_remedies(each, each['unclear']))}"
        for each in survey.get("filters", ())
        if each["unclear"] and not each["closed"]
    ]
    if is_enabled:
        notices += _beside(survey) + closing_ports(survey, services, ssh_ports)
    return notices


def closing_ports(
    survey: Mapping[str, Any], services: Sequence[Mapping[str, Any]], ssh_ports: Sequence[int] = ()
) -> list[str]:
    """Return one notice of the listeners that the role's first rules will close to other hosts; none after them.

    Args:
        survey: The `survey.firewall` that the module preflight_facts returned.
        services: Ports that the inventory opens.
        ssh_ports: Ports of SSH that the inventory keeps open.
    """
    if survey.get("is_closed", False):
        return []
    opened = {(each.get("protocol") or "tcp", int(each["port"])) for each in services}
    opened |= {("tcp", int(port)) for port in [*ssh_ports, survey.get("connection_port") or 22]}
    closing = [each for each in survey.get("exposed", ()) if (each["protocol"], each["port"]) not in opened]
    if not closing:
        return []
    named = [f"{_port(each)} ({each['owner'] or 'unknown program'})" for each in closing]
    more = [f"{len(named) - SHOWN} more"] if len(named) > SHOWN else []
    listed = ", ".join(named[:SHOWN] + more)
    remedy = "What has to stay open belongs into firewall_extra_services"
    return [f"ports that the role firewall will close to other hosts: {listed}. {remedy}"]


def _beside(survey: Mapping[str, Any]) -> list[str]:
    """Return a notice of the filters that stay in force beside ours."""
    found = [each for each in survey.get("filters", ()) if each["is_closed_by_default"] and each["hook"] == "input"]
    others = list(dict.fromkeys([*survey.get("managers", ()), *(_name(each) for each in found)]))
    if not others:
        return []
    meaning = "a connection has to pass each of them, and what firewall_services opens has to be open there too"
    return [f"{', '.join(others)} and the role firewall both apply: {meaning}"]


def _closed(survey: Mapping[str, Any]) -> list[Problem]:
    problems: dict[str, Problem] = {}
    for each in survey.get("filters", ()):
        if each["closed"]:
            verb = "rejects" if each["action"] == "reject" else "drops"
            text = f"{_name(each)} {verb} connections to {_ports(each['closed'])}"
            commands = " and ".join(_remedies(each, each["closed"]))
            remedy = f"{commands}, or set firewall_enabled: false and leave the host to that filter"
            problems.setdefault(text, {"problem": text, "remedy": remedy})
    return list(problems.values())


def _name(found: Mapping[str, Any]) -> str:
    return str(found["owner"]) if found["owner"] else f"the {found['place']}"


def _port(service: Mapping[str, Any]) -> str:
    return str(service["port"]) if service["protocol"] == "tcp" else f"{service['port']}/{service['protocol']}"


def _ports(services: Sequence[Mapping[str, Any]]) -> str:
    words = []
    for each in services:
        callers = f", from {', '.join(each['from'])}" if "from" in each else ""
        words.append(f"{_port(each)} ({each['name']}{callers})")
    return ", ".join(words)


def _remedies(found: Mapping[str, Any], services: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the command, or the rule and its place, that opens each service."""
    commands = {"ufw": _ufw, "firewalld": _firewalld, "": _rule}
    return [f"`{line}`" for each in services for line in commands[found["owner"]](found, each)] + (
        ["`firewall-cmd --reload`"] if found["owner"] == "firewalld" else []
    )


def _ufw(_found: Mapping[str, Any], service: Mapping[str, Any]) -> list[str]:
    port, protocol = service["port"], service["protocol"]
    if "from" not in service:
        return [f"ufw allow {port}/{protocol}"]
    return [f"ufw allow proto {protocol} from {caller} to any port {port}" for caller in service["from"]]


def _firewalld(_found: Mapping[str, Any], service: Mapping[str, Any]) -> list[str]:
    port, protocol = service["port"], service["protocol"]
    if "from" not in service:
        return [f"firewall-cmd --permanent --add-port={port}/{protocol}"]
    rule = 'rule family="{}" source address="{}" port port="{}" protocol="{}" accept'
    return [
        f"firewall-cmd --permanent --add-rich-rule='{rule.format(_family(caller), caller, port, protocol)}'"
        for caller in service["from"]
    ]


def _rule(found: Mapping[str, Any], service: Mapping[str, Any]) -> list[str]:
    """Return a rule for each family of callers; of a table of nftables or iptables, which is named by its chain."""
    port, protocol, place = service["port"], service["protocol"], str(found["place"]).split()
    chain, callers = place[1], service.get("from", [])
    if found["program"] == "nft":
        sources = [f"{'ip6' if ':' in caller else 'ip'} saddr {caller} " for caller in callers] or [""]
        table = " ".join(place[-2:])
        return [f"nft insert rule {table} {chain} {source}{protocol} dport {port} accept" for source in sources]
    is_ipv6 = str(found["program"]).startswith("ip6")
    own = [f"-s {caller} " for caller in callers if (":" in caller) == is_ipv6] or [""]
    return [f"{found['program']} -I {chain} {source}-p {protocol} --dport {port} -j ACCEPT" for source in own]


def _family(caller: str) -> str:
    return "ipv6" if ":" in caller else "ipv4"


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {
            "preflight_firewall_problems": firewall_problems,
            "preflight_firewall_notices": firewall_notices,
            "firewall_closing_ports": closing_ports,
        }
