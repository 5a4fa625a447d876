"""Filters that turn a host's clock and the servers that it does not reach into problems with remedies."""

from __future__ import annotations

from fnmatch import fnmatch
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Problem = dict[str, str]


def clock_problems(clock_ahead: float, limit: float) -> list[Problem]:
    """Say whether a host's clock is so far off that certificates and signatures of packages fail.

    Args:
        clock_ahead: Seconds by which it is ahead of this machine's.
        limit: Seconds that are still fine.
    """
    if abs(clock_ahead) <= limit:
        return []
    way = "ahead of" if clock_ahead > 0 else "behind"
    return [
        {
            "problem": f"the clock is {abs(clock_ahead):.0f} s {way} this machine's, more than {limit:g} s",
            "remedy": "synchronise both (systemd-timesyncd, chrony): certificates and packages' signatures need it",
        }
    ]


def endpoint_problems(
    found: Mapping[str, Any], endpoints: Sequence[Mapping[str, Any]], ports: Sequence[Mapping[str, Any]]
) -> list[Problem]:
    """Say which servers a host will need and does not reach.

    A server that only the first installation needs (`until_port`) is not missed once the port is served by ours.

    Args:
        found: The result of the module preflight_facts.
        endpoints: What is needed, `{"endpoint": name:port, "setting": variable, "until_port": port}`.
        ports: As for port_problems: tells who ours are.
    """
    ours = {int(port["port"]): port["owners"] for port in ports}
    served = {
        listener["port"]
        for listener in found["listeners"]
        if any(fnmatch(listener["owner"], pattern) for pattern in ours.get(listener["port"], ()))
    }
    return [
        {
            "problem": found["unreached"][each["endpoint"]],
            "remedy": f"see to resolver, route and proxy of the host, or name another server in {each['setting']}",
        }
        for each in endpoints
        if each["endpoint"] in found["unreached"] and int(each.get("until_port", 0)) not in served
    ]


def tls_problems(addresses: Mapping[str, str], tls: str | bool) -> list[Problem]:
    """Say whether a site that others reach has yet to choose between TLS and plaintext.

    Args:
        addresses: Where the edge serves, by the variable that says so.
        tls: The variable `load_balancer_tls`; YAML reads the word off as false.
    """
    if tls is not None and tls != "":
        return []
    open_to_others = [f"{name} is {address}" for name, address in addresses.items() if not _is_loopback(address)]
    if not open_to_others:
        return []
    return [
        {
            "problem": f"load_balancer_tls is not set, but {' and '.join(open_to_others)}, which others reach",
            "remedy": "set load_balancer_tls: given (your load_balancer_certificate_file and load_balancer_key_file), "
            "own (a CA of the site, made and renewed by the role), or off (plaintext, as before)",
        }
    ]


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def registry_endpoint(reference: str) -> str:
    """Return name and port of the registry that an image is pulled from.

    >>> registry_endpoint("ollama/ollama:0.34.2"), registry_endpoint("mirror.lab:5000/alchemorsel/ollama:0.5.4")
    ('registry-1.docker.io:443', 'mirror.lab:5000')
    """
    registry, slash, _path = reference.partition("/")
    # without a dot, a colon or the word localhost, the first part is a user of Docker Hub, as Docker itself reads it
    if not slash or not ("." in registry or ":" in registry or registry == "localhost") or registry == "docker.io":
        registry = "registry-1.docker.io"
    return registry if ":" in registry else f"{registry}:443"


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {
            "preflight_clock_problems": clock_problems,
            "preflight_endpoint_problems": endpoint_problems,
            "preflight_registry_endpoint": registry_endpoint,
            "preflight_tls_problems": tls_problems,
        }
