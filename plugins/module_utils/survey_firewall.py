"""What a host has of packet filters, and what they and ours do to the ports that others need; reads only.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import ipaddress
import os
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.alchemorsel.ai.plugins.module_utils import packet_filter_iptables, packet_filter_nft
from ansible_collections.alchemorsel.ai.plugins.module_utils.packet_filter import ACCEPT, DROP, REJECT, Packet, Table
from ansible_collections.alchemorsel.ai.plugins.module_utils.socket_table import SocketTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Run = Callable[[list[str]], tuple[int, str, str]]
    Service = Mapping[str, Any]

CONFIRMED_RULES = "etc/alchemorsel/firewall.nft"
OUR_TABLES = {"alchemorsel", "alchemorsel_ollama"}
STRANGERS = {"ip": "198.18.255.254", "ip6": "fdfa:11ce:0:1::2"}
"""Callers of no network that a rule would name: RFC 2544, RFC 4193."""
NOBODYS_PORT = 61234
"""Of no service: a chain that does not accept it is closed by default."""
HOOKS = {"host": ("ingress", "prerouting", "input"), "container": ("ingress", "prerouting", "forward")}
"""Passed by packets for the host itself, and by those for a published port of a container."""
IPTABLES = {"ip": ("iptables", "iptables-legacy"), "ip6": ("ip6tables", "ip6tables-legacy")}
LEGACY_NAMES = {"ip": "proc/net/ip_tables_names", "ip6": "proc/net/ip6_tables_names"}
"""Tables of the former variant that the kernel has; to list them where there are none would load modules."""
GLOBAL_SCOPE = "00"
_LIBNFTABLES = """
import sys, nftables
rules = nftables.Nftables()
rules.set_json_output(True)
status, output, errors = rules.cmd("list ruleset")
sys.stdout.write(output)
sys.exit(status)
"""
LIST_RULESET = (["/usr/sbin/nft", "--json", "list", "ruleset"], ["/usr/bin/python3", "-c", _LIBNFTABLES])
"""Commands of which one answers where there are rules: firewalld brings the library and not the program."""


def survey(
    run: Run, root: Path, services: Sequence[Service] = (), container_ports: Sequence[int] = ()
) -> dict[str, Any]:
    """Return what the host has of packet filters.

    Args:
        run: Runs a command within a deadline; returns exit status, output and errors.
        root: Root of the file system; tests pass one of their own.
        services: Ports that other hosts need, as the role's variable firewall_services documents them.
        container_ports: Those of them that a container publishes.

    Returns:
        ``filters`` of others, as `Filters.found` returns them; ``managers``, of `ufw` and `firewalld` those that are
        active; ``is_closed``, whether our rules are confirmed; ``exposed``, listeners that other hosts reach, unless
        they are; ``connection_port``, by which the running SSH connection came in.
    """
    is_closed = (root / CONFIRMED_RULES).exists()
    return {
        "filters": Filters(run, root, services, container_ports).found(),
        "managers": managers(run, root),
        "is_closed": is_closed,
        "exposed": [] if is_closed else SocketTable(root / "proc", lambda command: run(command)[1]).exposed(),
        "connection_port": connection_port(root / "proc", os.getpid()),
    }


def read_tables(run: Run, root: Path) -> list[Table]:
    """Return the tables in force but ours, each once: nft lists those of iptables too, but not all that is in them."""
    found = []
    for family, (program, legacy) in IPTABLES.items():
        names = root / LEGACY_NAMES[family]
        has_legacy = names.exists() and names.read_text().strip()
        for each in [program, legacy] if has_legacy else [program]:
            code, output, _errors = run([f"/usr/sbin/{each}-save"])
            found += packet_filter_iptables.tables(output, family, each) if code == 0 else []
    known = {(table.family, table.name) for table in found}
    natives = next((packet_filter_nft.tables(output) for code, output, _ in map(run, LIST_RULESET) if code == 0), [])
    return found + [each for each in natives if (each.family, each.name) not in known and each.name not in OUR_TABLES]


def managers(run: Run, root: Path) -> list[str]:
    """Return those of `ufw` and `firewalld` that are active."""
    settings = root / "etc/ufw/ufw.conf"
    text = settings.read_text(encoding="utf-8", errors="replace") if settings.exists() else ""
    has_ufw = re.search(r"(?mi)^\s*ENABLED\s*=\s*yes\b", text) is not None
    has_firewalld = run(["systemctl", "is-active", "--quiet", "firewalld.service"])[0] == 0
    return [name for name, is_active in (("ufw", has_ufw), ("firewalld", has_firewalld)) if is_active]


def connection_port(proc: Path, pid: int) -> int | None:
    """Return the port by which the SSH connection that a process runs under came in; None where it runs under none.

    Looks at the process and its ancestors, because sudo takes the variable out of the environment.
    """
    while pid > 1:
        folder = proc / str(pid)
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            status = (folder / "status").read_text()
        except OSError:
            return None
        for entry in environment:
            if entry.startswith(b"SSH_CONNECTION="):
                return int(entry.split()[-1])
        pid = int(status.split("PPid:")[1].split()[0])
    return None


class Filters:
    """Base chains of others, held against the services that other hosts need.

    Args:
        run: Runs a command within a deadline; returns exit status, output and errors.
        root: Root of the file system.
        services: Ports that other hosts need, as the role's variable firewall_services documents them.
        container_ports: Those of them that a container publishes.
        interface: By which callers come in; empty for the one on the way to them.
    """

    def __init__(
        self,
        run: Run,
        root: Path,
        services: Sequence[Service],
        container_ports: Sequence[int] = (),
        interface: str = "",
    ) -> None:
        self._run = run
        self._root = root
        self._services = services
        self._container_ports = container_ports
        self._interface = interface
        self._interfaces: dict[str, str] = {}

    def found(self) -> list[dict[str, Any]]:
        """Return the chains that are closed by default, or that close one of the services or may do so.

        Returns:
            ``owner``, `ufw`, `firewalld` or nothing for the site's own; ``place``, for people; ``program``, ``hook``;
            ``is_closed_by_default``; ``action``, `drop` or `reject`; ``closed``, services that somebody does not reach
            who should; ``unclear``, those of which the rules alone do not tell.
        """
        chains = [
            self._chain(table, name)
            for table in read_tables(self._run, self._root)
            for name, chain in table.chains.items()
            if chain.hook in {*HOOKS["host"], *HOOKS["container"]} and _owner(table, name) != "docker"
        ]
        return [each for each in chains if each["is_closed_by_default"] or each["closed"] or each["unclear"]]

    def _chain(self, table: Table, name: str) -> dict[str, Any]:
        hook = table.chains[name].hook
        family = "ip6" if table.family == "ip6" else "ip"
        nobodys = table.outcomes(name, self._packet(STRANGERS[family], "tcp", NOBODYS_PORT))
        closed, unclear, refusing = [], [], [nobodys]
        for service in self._services:
            outcomes = self._outcomes(table, name, service)
            shut = [each for each in outcomes if ACCEPT not in each]
            refusing += shut
            if shut:
                closed.append(_described(service))
            elif any(len(each) > 1 for each in outcomes):
                unclear.append(_described(service))
        return {
            "owner": _owner(table, name),
            "place": _place(table, name),
            "program": table.program,
            "hook": hook,
            "is_closed_by_default": ACCEPT not in nobodys,
            "action": REJECT if any(REJECT in each for each in refusing) else DROP,
            "closed": closed,
            "unclear": unclear,
        }

    def _outcomes(self, table: Table, name: str, service: Service) -> list[set[str]]:
        """Return what becomes of the first packet of a caller of each kind that the service is open to."""
        hook, port = table.chains[name].hook, int(service["port"])
        if hook not in HOOKS["container" if port in self._container_ports else "host"]:
            return []
        known = None if hook == "forward" else port  # translated to the container's by then
        packets = [self._packet(each, service.get("protocol") or "tcp", known) for each in self._sources(service)]
        return [table.outcomes(name, packet) for packet in packets if table.sees(packet)]

    def _packet(self, source: str, protocol: str, port: int | None) -> Packet:
        family = "ip6" if ":" in source else "ip"
        if self._interface:
            return Packet(family, protocol, port, source, self._interface)
        if source not in self._interfaces:
            shown = self._run(["ip", "-6" if family == "ip6" else "-4", "route", "get", source])[1]
            way = re.search(r"\bdev (\S+)", shown)
            self._interfaces[source] = way[1] if way else ""
        return Packet(family, protocol, port, source, self._interfaces[source])

    def _sources(self, service: Service) -> list[str]:
        if "from" not in service:
            families = ["ip", "ip6"] if has_global_ipv6(self._root) else ["ip"]
            return [STRANGERS[family] for family in families]
        networks = [ipaddress.ip_network(str(each).strip(), strict=False) for each in service["from"] or []]
        return [str(net[1] if net.num_addresses > 1 else net[0]) for net in networks]


def has_global_ipv6(root: Path) -> bool:
    """Return whether the host has an IPv6 address that other networks reach."""
    addresses = root / "proc/net/if_inet6"
    lines = addresses.read_text().splitlines() if addresses.exists() else []
    return any(line.split()[3] == GLOBAL_SCOPE for line in lines)


def _described(service: Service) -> dict[str, Any]:
    described = {
        "name": str(service.get("name") or f"port {service['port']}"),
        "port": int(service["port"]),
        "protocol": service.get("protocol") or "tcp",
    }
    return {**described, "from": [str(each) for each in service["from"]]} if "from" in service else described


def _owner(table: Table, name: str) -> str:
    """Return whose a base chain is: `docker`, `ufw`, `firewalld`, or nothing for the site's own."""
    if table.name == "firewalld":
        return "firewalld"
    if table.name.startswith("docker-"):
        return "docker"
    reached = table.reached(name)
    for owner, prefix in (("docker", "DOCKER"), ("ufw", "ufw"), ("firewalld", "INPUT_ZONES")):
        if any(chain.startswith(prefix) for chain in reached):
            return owner
    return ""


def _place(table: Table, name: str) -> str:
    if table.program == "nft":
        return f"chain {name} of the nftables table {table.family} {table.name}"
    return f"chain {name} of {table.program} (table {table.name})"
