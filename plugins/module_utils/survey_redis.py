"""What a host has of Redis and valkey servers: processes, configuration, data and ports; reads only.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import packages, unit
from ansible_collections.alchemorsel.ai.plugins.module_utils.socket_table import UNIT as UNIT_OF_CGROUP
from ansible_collections.alchemorsel.ai.plugins.module_utils.socket_table import SocketTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    Run = Callable[[list[str]], tuple[int, str, str]]

DEFAULT_PORT = 6379
LAST_PORT = 65535
PROGRAMS = frozenset({"redis-server", "valkey-server"})
OWN_PACKAGES = ("redis-server", "redis-tools")
BROUGHT_PACKAGES = (*OWN_PACKAGES, "redis-sentinel")
"""What the role may have brought: the last one where servers fail over."""
SERVER_PACKAGES = ("redis-server", "valkey-server")

OWN_UNIT = "redis-server@alchemorsel.service"
OWN_SENTINEL_UNIT = "redis-sentinel@alchemorsel.service"
STOCK_UNIT = "redis-server.service"
OWN_CONFIG = "etc/redis/redis-alchemorsel.conf"
OWN_MARK = "Alchemorsel's instance of Redis"
"""What only a configuration of the role redis says."""
CLAIMED_UNIT_FILES = ("etc/systemd/system/redis-server@alchemorsel.service", "etc/systemd/system/redis-server@.service")
"""The role writes neither: it uses the distribution's template unit."""
CONFIGURATIONS = ("etc/redis/*.conf", "etc/valkey/*.conf")

FORMER_DROP_IN = "etc/systemd/system/redis-server.service.d/alchemorsel.conf"
FORMER_CONFIG = "etc/redis/alchemorsel.conf"
"""Of revisions that ran the stock unit with a configuration of their own."""
STOCK_CONFIG = "etc/redis/redis.conf"

RECORD = "var/lib/alchemorsel/redis.json"
"""The packages that the role brought, and whether it took them away again."""


def survey(run: Run, root: Path) -> dict[str, Any]:
    """Return what the host has of Redis and valkey servers.

    Args:
        run: Runs a command within a deadline; returns exit status, output and errors.
        root: Root of the file system; tests pass one of their own.

    Returns:
        ``servers``, the running ones; ``installed``, server packages; ``brought``, packages that the role brought;
        ``exists``, whether the role's instance is configured; ``port``, the one that the instance has or would get;
        ``foreign``, paths named as the role's that are somebody else's; ``former``, the stock unit that an earlier
        revision of the role ran, empty where there is none; ``stock``, the state of the stock unit while the role has
        no instance; ``others``, what else on the host needs the packages.
    """
    own_text = _read(root / OWN_CONFIG)
    exists = OWN_MARK in own_text
    former = _former(root)
    installed = packages(run, [*SERVER_PACKAGES, *BROUGHT_PACKAGES])[0]
    brought = _brought(root, installed, former)
    sockets = SocketTable(root / "proc", lambda command: run(command)[1])
    servers = list(_servers(run, root, sockets))
    # Until the role has an instance, a stock unit of packages that it brought has only just been installed: by a play
    # that was killed before it stopped that unit, and perhaps by an apt-get that outlives it.
    is_new = bool(brought) and not exists and not former
    new = {port for server in servers if is_new and server["unit"] == STOCK_UNIT for port in server["ports"]}
    stock = unit(run, STOCK_UNIT) if "redis-server" in installed and (former or not exists) else {}
    return {
        "servers": servers,
        "installed": sorted(set(installed) & set(SERVER_PACKAGES)),
        "brought": brought,
        "exists": exists,
        "port": _own_port(own_text if exists else "", former)
        or _free_port((sockets.ports() - new) | _configured_ports(root, set(installed) - set(brought))),
        "foreign": _foreign(root, has_own=exists),
        "former": former,
        "stock": stock,
        "others": sorted(_others(root, servers, owns_stock_unit=bool(former) or is_new)),
    }


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _setting(text: str, name: str, default: str) -> str:
    """Return the last value of a setting: of two lines Redis takes the later one."""
    values = re.findall(rf"^\s*{name}\s+(.*\S)\s*$", text, re.MULTILINE | re.IGNORECASE)
    return str(values[-1]).strip("\"'") if values else default


def _ports(text: str) -> set[int]:
    """Return the ports that a server with this configuration listens on."""
    values = (_setting(text, "port", str(DEFAULT_PORT)), _setting(text, "tls-port", "0"))
    return {int(value) for value in values if value.isdigit()} - {0}


def _former(root: Path) -> dict[str, Any]:
    """Return how the server of an earlier revision is reached, and its dump; empty where there is none."""
    if f"/{FORMER_CONFIG}" not in _read(root / FORMER_DROP_IN):
        return {}
    text = _read(root / FORMER_CONFIG)
    every = f"{_read(root / STOCK_CONFIG)}\n{text}"
    return {
        "port": min(_ports(text), default=DEFAULT_PORT),
        "address": re.sub(r"^(0\.0\.0\.0|\*)$", "127.0.0.1", _setting(text, "bind", "*").split()[0].lstrip("-")),
        "tls": _setting(text, "tls-port", "0") != "0",
        "dump": f"{_setting(every, 'dir', '/var/lib/redis')}/{_setting(every, 'dbfilename', 'dump.rdb')}",
    }


def _brought(root: Path, installed: Iterable[str], former: dict[str, Any]) -> list[str]:
    """Return the packages that the role brought; what somebody installed after the role removed them is not."""
    try:
        record = json.loads(_read(root / RECORD) or "{}")
    except ValueError:
        record = {}
    if not record and former:
        return sorted(OWN_PACKAGES)
    names = [name for name in record.get("packages", []) if name in BROUGHT_PACKAGES]
    return sorted(set(names) - set(installed) if record.get("removed") else names)


def _servers(run: Run, root: Path, sockets: SocketTable) -> Iterator[dict[str, Any]]:
    for path in sorted((root / "proc").glob("[0-9]*/comm")):
        program = _read(path).strip()
        if program not in PROGRAMS or _is_in_container(path.parent):
            continue
        pid = int(path.parent.name)
        name = next(iter(UNIT_OF_CGROUP.findall(_read(path.with_name("cgroup")))[-1:]), "")
        # a process title takes the place of the command line, so that only the unit tells the configuration
        started = run(["systemctl", "show", "--property=ExecStart", name])[1] if name and name != OWN_UNIT else ""
        config = re.search(r"argv\[\]=\S+ (/\S+)", started)
        yield {
            "pid": pid,
            "program": program,
            "unit": name,
            "ports": sockets.ports_of(pid),
            "config": config[1] if config else "",
        }


def _is_in_container(process: Path) -> bool:
    """Return whether a process has process IDs of its own; its program and its port are not the host's then."""
    try:
        return (process / "ns/pid").readlink() != (process.with_name("1") / "ns/pid").readlink()
    except OSError:  # the process ended meanwhile, or belongs to another user
        return False


def _own_port(text: str, former: dict[str, Any]) -> int:
    """Return the port of the role's instance, 0 where there is none; it is kept, whatever comes or goes."""
    return min(_ports(text), default=0) if text else int(former.get("port", 0))


def _free_port(taken: set[int]) -> int:
    return next(port for port in range(DEFAULT_PORT, LAST_PORT) if port not in taken)


def _configured_ports(root: Path, installed: Iterable[str]) -> set[int]:
    """Return the ports of servers that somebody installed; one that is stopped now may be started again."""
    if not set(installed) & set(SERVER_PACKAGES):
        return set()
    paths = (path for pattern in CONFIGURATIONS for path in root.glob(pattern) if path != root / OWN_CONFIG)
    return {port for path in paths for port in _ports(_read(path))}


def _foreign(root: Path, *, has_own: bool) -> list[str]:
    files = [*CLAIMED_UNIT_FILES, *([] if has_own else [OWN_CONFIG])]
    return [f"/{file}" for file in files if (root / file).exists()]


def _others(root: Path, servers: list[dict[str, Any]], *, owns_stock_unit: bool) -> Iterator[str]:
    """Yield units and processes, beside the role's own, that run the distribution's server or start with the host."""
    own = {OWN_UNIT, OWN_SENTINEL_UNIT, *((STOCK_UNIT, "redis.service") if owns_stock_unit else ())}
    for server in servers:
        if server["program"] == "redis-server" and server["unit"] not in own:
            yield server["unit"] or f"process {server['pid']}"
    for link in (root / "etc/systemd/system").glob("*.wants/redis*.service"):
        if link.name not in own:
            yield link.name
