"""Filters that find what is wrong with the settings of the edge, before anything is changed."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Problem = dict[str, str]

MIB = 1024**2
UNITS = {"": 1, "K": 1024, "M": MIB, "G": 1024**3, "T": 1024**4}
CONNECTION_BYTES = 160 * 1024
"""Three buffers of tune.bufsize (a reader that does not read holds them) and what belongs to a connection."""
BASE_BYTES = 64 * MIB
"""The program itself, once more while a reload lasts."""
SPARE = 256
"""Connections beyond load_balancer_max_connections that edge.cfg.j2 lets each frontend refuse with an answer."""
PROBED_PATHS = {"api": "/health/ready", "page": "/"}
_HOST_NAME = re.compile(
    r"(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_SERVER = re.compile(r"unix@/[^\s'\"]+|[^\s'\"/@]+:\d+")


def is_loopback(address: str) -> bool:
    """Return whether nobody but the host itself reaches an address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def open_addresses(addresses: Sequence[str]) -> list[str]:
    """Return the addresses that other machines reach."""
    return [address for address in addresses if not is_loopback(address)]


def tls_choice(value: Any) -> str:
    """Return load_balancer_tls as a word: YAML reads `off` as a boolean."""
    return "off" if str(value).lower() in {"off", "false", "no"} else str(value or "")


def probes(frontends: Sequence[Mapping[str, Any]], choice: str) -> list[dict[str, Any]]:
    """Return what the verification asks of each frontend.

    Args:
        frontends: What the edge serves.
        choice: What `tls_choice` returned; frontends that other machines reach speak TLS where there are certificates.
    """
    return [
        {
            **{key: each[key] for key in ("name", "address", "port")},
            "path": PROBED_PATHS[each["name"]],
            "tls": choice in {"own", "given"} and not is_loopback(each["address"]),
        }
        for each in frontends
    ]


def setting_problems(settings: Mapping[str, Any]) -> list[Problem]:
    """Find settings that cannot work; those of the wrong type are the specification's to refuse.

    Args:
        settings: The role's public variables.
    """
    frontends = settings["load_balancer_frontends"]
    try:
        numbers = [*_port_problems(settings), *_number_problems(settings, len(frontends))]
    except ValueError:
        numbers = []
    return [*_tls_problems(settings, frontends), *_frontend_problems(frontends), *numbers, *_name_problems(settings)]


def _tls_problems(settings: Mapping[str, Any], frontends: Sequence[Mapping[str, Any]]) -> list[Problem]:
    choice = tls_choice(settings["load_balancer_tls"])
    reached = [f"{each['name']} on {each['address']}" for each in frontends if not is_loopback(each["address"])]
    if choice == "" and reached:
        return [
            _problem(
                f"load_balancer_tls is not set, and other machines reach {' and '.join(reached)}",
                "choose: own (certificates of an authority of this site), given (your certificate, key and CA files: "
                "load_balancer_certificate_file, load_balancer_key_file, load_balancer_ca_file) or off (plain HTTP)",
            )
        ]
    if choice == "given":
        files = ("load_balancer_certificate_file", "load_balancer_key_file")
        missing = [name for name in files if not settings[name]]
        if missing:
            return [_problem(f"load_balancer_tls is given, but {' and '.join(missing)} is not set", "name the files")]
    return []


def _frontend_problems(frontends: Sequence[Mapping[str, Any]]) -> Iterable[Problem]:
    if not frontends:
        yield _problem("load_balancer_frontends is empty", "list what the edge serves: api, page or both")
    names = [each["name"] for each in frontends]
    if len(set(names)) < len(names):
        yield _problem(f"load_balancer_frontends names one twice: {', '.join(names)}", "give each its own name")
    for frontend in frontends:
        told = f"load_balancer_frontends, {frontend['name']}"
        if not _is_address(frontend["address"]):
            yield _problem(
                f"{told}: {frontend['address']!r} is not an address",
                "give an IP address; 0.0.0.0 or :: for all of them",
            )
        servers = frontend["servers"]
        wrong = [str(each["address"]) for each in servers if not _SERVER.fullmatch(str(each["address"]))]
        if wrong:
            yield _problem(f"{told}: invalid address of a server: {', '.join(wrong)}", "use unix@/path or host:port")
        titles = [str(each["name"]) for each in servers]
        if not titles or len(set(titles)) < len(titles) or not all(map(_NAME.fullmatch, titles)):
            yield _problem(
                f"{told}: servers are named {', '.join(titles) or 'nowhere'}",
                "list at least one server, each with its own name of letters, digits, _ and -",
            )


def _port_problems(settings: Mapping[str, Any]) -> Iterable[Problem]:
    ports = {f"{each['name']} in load_balancer_frontends": each["port"] for each in settings["load_balancer_frontends"]}
    ports["load_balancer_exporter_port"] = settings["load_balancer_exporter_port"]
    numbers = [int(port) for port in ports.values()]
    for name, port in ports.items():
        if not 1 <= int(port) <= 65535:
            yield _problem(f"{name}: {port} is not a port", "choose one from 1 to 65535")
        elif numbers.count(int(port)) > 1:
            yield _problem(f"{name}: port {port} is used twice", "give each its own port")


def _number_problems(settings: Mapping[str, Any], frontends: int) -> Iterable[Problem]:
    connections, memory = int(settings["load_balancer_max_connections"]), settings["load_balancer_memory_max"]
    if not 1 <= connections <= 1_000_000:
        yield _problem(f"load_balancer_max_connections is {connections}", "choose from 1 to 1000000")
        return
    if int(settings["load_balancer_server_timeout"]) < 1:
        yield _problem("load_balancer_server_timeout is less than a second", "choose more than the service's deadline")
    limit, needed = _bytes(memory), BASE_BYTES + frontends * (connections + SPARE) * CONNECTION_BYTES
    if limit is None:
        yield _problem(f"load_balancer_memory_max: {memory!r} is not a size", "use systemd's units, 512M or 1G")
    elif limit < needed:
        yield _problem(
            f"load_balancer_max_connections {connections} needs {needed // MIB} MiB on {frontends} frontends at worst, "
            f"and load_balancer_memory_max is {memory}",
            f"set load_balancer_memory_max to {needed // MIB + 1}M, or lower load_balancer_max_connections",
        )


def _name_problems(settings: Mapping[str, Any]) -> Iterable[Problem]:
    for name in settings["load_balancer_tls_names"]:
        if not _is_address(name) and not _HOST_NAME.fullmatch(str(name)):
            yield _problem(f"load_balancer_tls_names: {name!r} is neither a host name nor an address", "correct it")
    for source in settings["load_balancer_exporter_from"]:
        try:
            ip_network(str(source), strict=False)
        except ValueError:
            yield _problem(
                f"load_balancer_exporter_from: {source!r} is neither an address nor a network",
                "use 10.0.0.1 or 10.0.0.0/8",
            )
    if not _is_address(settings["load_balancer_exporter_address"]):
        yield _problem(
            f"load_balancer_exporter_address: {settings['load_balancer_exporter_address']!r} is not an address",
            "give an IP address",
        )


def port_problems(listeners: Sequence[Mapping[str, Any]], ours: Sequence[str]) -> list[Problem]:
    """Find ports of the edge that somebody else holds.

    Args:
        listeners: Those on the edge's ports, as the module load_balancer_facts returns them.
        ours: Units that may hold them, as shell patterns: the edge, and those that it takes over from.
    """
    foreign = [each for each in listeners if not any(fnmatch(each["owner"], pattern) for pattern in ours)]
    holders: dict[int, set[str]] = {}
    for each in foreign:
        holders.setdefault(each["port"], set()).add(f"{each['owner'] or 'an unknown process'} on {each['address']}")
    return [
        _problem(f"port {port} is taken by {', '.join(sorted(names))}", "stop that, or give the edge another port")
        for port, names in sorted(holders.items())
    ]


def _is_address(text: Any) -> bool:
    try:
        ip_address(str(text))
    except ValueError:
        return False
    return True


def _bytes(size: Any) -> int | None:
    match = re.fullmatch(r"(\d+)([KMGT]?)", str(size))
    return int(match[1]) * UNITS[match[2]] if match else None


def _problem(problem: str, remedy: str) -> Problem:
    return {"problem": problem, "remedy": remedy}


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {
            "load_balancer_tls_choice": tls_choice,
            "load_balancer_open_addresses": open_addresses,
            "load_balancer_setting_problems": setting_problems,
            "load_balancer_port_problems": port_problems,
            "load_balancer_probes": probes,
        }
