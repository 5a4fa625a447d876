"""Filter that turns services and the addresses that may reach them into matches of nftables."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

FAMILIES = {4: "ip", 6: "ip6"}


def source_matches(addresses: Iterable[str]) -> list[str]:
    """Return one match a family of addresses, ready to stand before the rest of a rule.

    Args:
        addresses: Addresses and networks, `10.0.0.1`, `2001:db8::/32`.

    Raises:
        ValueError: One of them is neither.
    """
    networks = sorted({ip_network(str(address).strip(), strict=False) for address in addresses}, key=str)
    by_family = {version: [str(net) for net in networks if net.version == version] for version in FAMILIES}
    return [f"{FAMILIES[version]} saddr {{ {', '.join(nets)} }} " for version, nets in by_family.items() if nets]


def matches(services: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the services as the template of the rules wants them: name, port, protocol, sources.

    A service without `from` is for everybody, so its one source is the empty match. One whose `from` is empty has no
    source: nobody reaches it.

    Args:
        services: As the role's variable firewall_services documents them.

    Raises:
        ValueError: A source is no address and no network; the message names the service.
    """
    found = []
    for service in services:
        name = str(service.get("name") or f"port {service['port']}")
        try:
            sources = source_matches(service["from"]) if "from" in service else [""]
        except ValueError as error:
            raise ValueError(f"{name}: {error}; an address (10.0.0.1) or a network (10.0.0.0/8) is needed") from error
        if "from" in service:
            sources += [f'iifname "{interface}" ' for interface in service.get("interfaces") or ()]
        protocol = service.get("protocol") or "tcp"
        found.append({"name": name, "port": int(service["port"]), "protocol": protocol, "sources": sources})
    return found


def open_ports(stranger: str, services: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Return which TCP ports of the services an address may reach (`open`) and which not (`closed`).

    Args:
        stranger: The address.
        services: As the role's variable firewall_services documents them.
    """
    address = ip_address(stranger)
    ports = {int(service["port"]) for service in services if (service.get("protocol") or "tcp") == "tcp"}
    reached = {
        int(service["port"])
        for service in services
        if "from" not in service or any(address in ip_network(str(net), strict=False) for net in service["from"])
    }
    return {"open": sorted(ports & reached), "closed": sorted(ports - reached)}


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {"firewall_matches": matches, "firewall_sources": source_matches, "firewall_open_ports": open_ports}
