"""Which TCP ports are listened on, and by whom, from the kernel's tables: a minimal host lacks programs."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

LISTEN = "0A"  # the kernel's TCP_LISTEN (include/net/tcp_states.h) as /proc/net/tcp prints it
UNCONNECTED = "07"  # TCP_CLOSE, in which UDP sockets without a peer are
FIRST_CLIENT_PORT = 32768
DHCP_CLIENTS = {68, 546}
UNIT = re.compile(r"([^/]+\.(?:service|socket))(?:/|$)")


def decode_address(text: str) -> tuple[str, int]:
    """Turn an address of /proc/net/tcp or tcp6 (hexadecimal, little-endian words) into address and port.

    >>> decode_address("0100007F:18EB")
    ('127.0.0.1', 6379)
    """
    host, port = text.split(":")
    raw = bytes.fromhex(host)
    swapped = b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    return str(ipaddress.ip_address(swapped)), int(port, 16)


def _is_loopback(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


class SocketTable:
    """The listening TCP sockets of the network namespace that a /proc tree shows.

    Args:
        proc: Root of the tree; tests pass one of their own.
        run: Runs a command within a deadline and returns its standard output, empty where it failed.
    """

    def __init__(self, proc: Path, run: Callable[[list[str]], str]) -> None:
        self._proc = proc
        self._run = run

    def listeners(self, ports: Iterable[int]) -> list[dict[str, Any]]:
        """Return the listeners on any of the ports, as the module preflight_facts documents them under `listeners`."""
        wanted = set(ports)
        found = [entry for entry in self._sockets() if entry[1] in wanted]
        pids = self._pids({inode for _address, _port, inode in found})
        return [self._describe(address, port, pids.get(inode, 0)) for address, port, inode in found]

    def held(self, ports: Iterable[int]) -> set[int]:
        """Return those of the ports that somebody listens on, without a look at who it is."""
        return {port for _address, port, _inode in self._sockets()} & set(ports)

    def exposed(self) -> list[dict[str, Any]]:
        """Return who listens on an address that other hosts reach, TCP and UDP, each port once.

        Of UDP only sockets that are bound to no peer, below the ports that clients are given; not DHCP's clients.
        """
        found: dict[tuple[str, int], tuple[str, str]] = {}
        for protocol, tables, state in (("tcp", ("tcp", "tcp6"), LISTEN), ("udp", ("udp", "udp6"), UNCONNECTED)):
            for address, port, inode in self._sockets(tables, state):
                is_client = protocol == "udp" and (port in DHCP_CLIENTS or port >= self._first_client_port())
                if not is_client and not _is_loopback(address):
                    found.setdefault((protocol, port), (address, inode))
        pids = self._pids({inode for _address, inode in found.values()})
        return [
            {"protocol": protocol, **self._describe(address, port, pids.get(inode, 0))}
            for (protocol, port), (address, inode) in sorted(found.items())
        ]

    def _first_client_port(self) -> int:
        limits = self._proc / "sys" / "net" / "ipv4" / "ip_local_port_range"
        return int(limits.read_text().split()[0]) if limits.exists() else FIRST_CLIENT_PORT

    def ports(self) -> set[int]:
        """Return all ports that somebody listens on."""
        return {port for _address, port, _inode in self._sockets()}

    def ports_of(self, pid: int) -> list[int]:
        """Return the ports that a process listens on; none where it has a network of its own."""
        try:
            links = {str(link.readlink()) for link in (self._proc / str(pid) / "fd").iterdir()}
        except OSError:  # the process ended meanwhile, or belongs to another user
            return []
        return sorted({port for _address, port, inode in self._sockets() if f"socket:[{inode}]" in links})

    def _sockets(
        self, tables: tuple[str, ...] = ("tcp", "tcp6"), state: str = LISTEN
    ) -> Iterator[tuple[str, int, str]]:
        for table in tables:
            path = self._proc / "net" / table
            if not path.exists():  # a kernel without IPv6
                continue
            for line in path.read_text().splitlines()[1:]:
                columns = line.split()
                if columns[3] == state:
                    yield (*decode_address(columns[1]), columns[9])

    def _pids(self, inodes: set[str]) -> dict[str, int]:
        """Map socket inodes to the youngest process that holds them: not systemd, where a service was started."""
        targets = {f"socket:[{inode}]": inode for inode in inodes}
        pids: dict[str, int] = {}
        for folder in self._proc.glob("[0-9]*/fd"):
            pid = int(folder.parent.name)
            try:
                links = [str(link.readlink()) for link in folder.iterdir()]
            except OSError:  # the process ended meanwhile, or belongs to another user
                continue
            for link in links:
                if link in targets:
                    pids[targets[link]] = max(pid, pids.get(targets[link], 0))
        return pids

    def _describe(self, address: str, port: int, pid: int) -> dict[str, Any]:
        process = self._read(pid, "comm").strip()
        # the last match is the innermost unit: a user's service lies below user@1000.service
        unit = next(iter(UNIT.findall(self._read(pid, "cgroup"))[-1:]), "")
        if process in {"docker-proxy", "dockerd"}:
            unit = self._container(port) or unit
        elif pid == 1:
            unit = self._socket_unit(port)
        return {"address": address, "port": port, "pid": pid, "process": process, "owner": unit or process}

    def _read(self, pid: int, name: str) -> str:
        try:
            return (self._proc / str(pid) / name).read_text()
        except OSError:
            return ""

    def _container(self, port: int) -> str:
        names = self._run(["docker", "ps", "--filter", f"publish={port}", "--format", "{{.Names}}"])
        return next(iter(names.split()), "")

    def _socket_unit(self, port: int) -> str:
        for line in self._run(["systemctl", "list-sockets", "--no-legend", "--full"]).splitlines():
            columns = line.split()
            if len(columns) > 1 and columns[0].endswith(f":{port}"):
                return columns[1]
        return ""
