"""The reading of the socket tables, on a /proc tree of our own and on the real one."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest
from ansible_collections.alchemorsel.ai.plugins.module_utils.socket_table import SocketTable, decode_address

from tests.roles.ansible_module import run_module

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LISTENING, CONNECTED = "0A", "01"


class Machine:
    """A /proc tree with sockets and processes, and programs that answer as told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.answers: dict[str, str] = {}
        (root / "net").mkdir()
        (root / "net" / "tcp").write_text(HEADER)

    def socket(self, address: str, inode: int, state: str = LISTENING, table: str = "tcp") -> None:
        """Add a line to a socket table."""
        path = self.root / "net" / table
        text = path.read_text() if path.exists() else HEADER
        path.write_text(f"{text}   0: {address} 00000000:0000 {state} 0:0 00:0 0 0 0 {inode} 1 0 100 0 0 10 0\n")

    def process(self, pid: int, comm: str, cgroup: str, inode: int) -> None:
        """Add a process that holds a socket."""
        (self.root / str(pid) / "fd").mkdir(parents=True)
        (self.root / str(pid) / "comm").write_text(f"{comm}\n")
        (self.root / str(pid) / "cgroup").write_text(f"0::{cgroup}\n")
        (self.root / str(pid) / "fd" / "7").symlink_to(f"socket:[{inode}]")

    def run(self, command: list[str]) -> str:
        """Answer for a program."""
        return self.answers.get(command[0], "")

    def owners(self, port: int) -> list[str]:
        """Return who listens on a port."""
        return [listener["owner"] for listener in SocketTable(self.root, self.run).listeners([port])]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Give a machine without sockets and processes."""
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0100007F:18EB", ("127.0.0.1", 6379)),
        ("00000000:0BC2", ("0.0.0.0", 3010)),
        ("00000000000000000000000001000000:18EB", ("::1", 6379)),
    ],
)
def test_addresses_of_the_kernel_are_decoded(text: str, expected: tuple[str, int]) -> None:
    """Both address families, in the kernel's little-endian words."""
    assert decode_address(text) == expected


def test_listener_is_named_by_its_systemd_unit(machine: Machine) -> None:
    """The unit is what an operator stops."""
    machine.socket("0100007F:18EB", inode=11)
    machine.process(42, "redis-server", "/system.slice/redis-server.service", inode=11)
    (listener,) = SocketTable(machine.root, machine.run).listeners([6379])
    assert listener == {
        "address": "127.0.0.1",
        "port": 6379,
        "pid": 42,
        "process": "redis-server",
        "owner": "redis-server.service",
    }


def test_program_outside_of_any_unit_is_named_by_itself(machine: Machine) -> None:
    """A program started by hand has only its own name."""
    machine.socket("0100007F:18EB", inode=11)
    machine.process(42, "nc", "/user.slice/session-1.scope", inode=11)
    assert machine.owners(6379) == ["nc"]


def test_published_port_is_named_by_its_container(machine: Machine) -> None:
    """The proxy's unit is Docker's own; the container says more."""
    machine.socket("0100007F:2CAB", inode=11)
    machine.process(42, "docker-proxy", "/system.slice/docker.service", inode=11)
    machine.answers["docker"] = "alchemorsel-ollama\n"
    assert machine.owners(11435) == ["alchemorsel-ollama"]


def test_socket_that_systemd_holds_is_named_by_its_socket_unit(machine: Machine) -> None:
    """Before the first connection only systemd holds a service's socket."""
    machine.socket("00000000:0BC2", inode=11)
    machine.process(1, "systemd", "/init.scope", inode=11)
    machine.answers["systemctl"] = "/run/x.sock x.socket x.service\n0.0.0.0:3010 alchemorsel-ai.socket -\n"
    assert machine.owners(3010) == ["alchemorsel-ai.socket"]


def test_service_that_took_over_its_socket_is_named_in_place_of_systemd(machine: Machine) -> None:
    """Once the service runs, it and systemd hold the same socket."""
    machine.socket("00000000:0BC2", inode=11)
    machine.process(1, "systemd", "/init.scope", inode=11)
    machine.process(42, "python3", "/system.slice/alchemorsel-ai@blue.service", inode=11)
    assert machine.owners(3010) == ["alchemorsel-ai@blue.service"]


def test_connection_is_no_listener(machine: Machine) -> None:
    """A connection from that port does not take it."""
    machine.socket("0100007F:18EB", inode=11, state=CONNECTED)
    assert machine.owners(6379) == []


def test_ipv6_listener_is_found(machine: Machine) -> None:
    """The second table counts as well."""
    machine.socket("00000000000000000000000001000000:18EB", inode=12, table="tcp6")
    machine.process(42, "redis-server", "/system.slice/redis-server.service", inode=12)
    assert machine.owners(6379) == ["redis-server.service"]


def test_listener_whose_process_is_hidden_is_still_found(machine: Machine) -> None:
    """A taken port is taken, whoever has it."""
    machine.socket("0100007F:18EB", inode=11)
    assert machine.owners(6379) == [""]


def test_module_finds_a_real_listener() -> None:
    """The real /proc knows this very process."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = run_module("preflight_facts", ports=[port])
    assert result["changed"] is False
    assert [(entry["address"], entry["pid"]) for entry in result["listeners"]] == [("127.0.0.1", os.getpid())]
