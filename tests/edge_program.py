"""HAProxy with the configuration of the role load_balancer, as a process on loopback."""

from __future__ import annotations

import csv
import signal
import socket
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.request import urlopen

import yaml
from jinja2 import Environment

from lab.packages import ensure_program
from lab.ports import free_port, listens
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

START_S = 20
STOP_S = 20
NAME = "of-a-test"
"""What the running edge says that it has loaded."""
ROLE = Path(__file__).parents[1] / "roles" / "load_balancer"


def configuration(**variables: Any) -> str:
    """Render edge.cfg as the role does.

    Args:
        variables: Of the role, in place of its defaults and of its internal paths.
    """
    known = {
        **yaml.safe_load((ROLE / "vars" / "main.yml").read_text()),
        **yaml.safe_load((ROLE / "defaults" / "main.yml").read_text()),
        **variables,
    }
    # As Ansible sets up Jinja.
    jinja = Environment(trim_blocks=True, keep_trailing_newline=True)  # noqa: S701 - no HTML
    return jinja.from_string((ROLE / "templates" / "edge.cfg.j2").read_text()).render(known)


def frontend(port: int, servers: Mapping[str, str], name: str = "api", address: str = "127.0.0.1") -> dict[str, Any]:
    """Describe what the edge serves.

    Args:
        port: Its port.
        servers: Address of each server, `127.0.0.1:1234` or `unix@/path`, by name.
        name: `api` or `page`.
        address: Its address.
    """
    listed = [{"name": each, "address": server} for each, server in servers.items()]
    return {"name": name, "address": address, "port": port, "servers": listed}


class EdgeProgram(AbstractContextManager["EdgeProgram"]):
    """The edge of one API, with its exporter.

    Args:
        folder: For configuration, log and runtime socket.
        servers: See `frontend`.
        max_connections: Connections of callers that it serves.
        output: File descriptor for what it prints; a file in the folder where none is given.
        variables: Further ones of the role.

    Attributes:
        port: Of the API.
        exporter: Port of its exporter.
        process: HAProxy's master process.
    """

    def __init__(
        self,
        folder: Path,
        servers: Mapping[str, str],
        max_connections: int = 100,
        output: int | None = None,
        **variables: Any,
    ) -> None:
        self._output = output
        self.port, self.exporter = free_port(), free_port()
        self._folder, self._socket = folder, folder / "edge.sock"
        self._variables = {
            "__load_balancer_socket": str(self._socket),
            "load_balancer_exporter_port": self.exporter,
            "load_balancer_frontends": [frontend(self.port, servers)],
            "load_balancer_max_connections": max_connections,
            **variables,
        }
        self.configure()

    def __enter__(self) -> Self:
        ensure_program("haproxy", "haproxy", units=("haproxy.service",))
        with (self._folder / "edge.log").open("wb") as log:
            self.process = subprocess.Popen(
                ["haproxy", "-W", "-f", str(self._folder / "edge.cfg")],
                stdout=log if self._output is None else self._output,
                stderr=subprocess.STDOUT,
            )
        until(listens(self.exporter), timeout_s=START_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.wait(STOP_S)

    def configure(self, **variables: Any) -> None:
        """Write the configuration, with other variables where some are given."""
        self._variables |= variables
        # The role adds what the running process tells of itself.
        (self._folder / "edge.cfg").write_text(f"{configuration(**self._variables)}\nglobal\n    description {NAME}\n")

    def reload(self) -> None:
        """Have a new process take up the configuration, as the unit's ExecReload does, and wait for it."""
        before = self.pid()
        self.process.send_signal(signal.SIGUSR2)
        until(lambda: self.pid() not in {0, before}, timeout_s=START_S)

    def pid(self) -> int:
        """Return the process that serves; 0 while none answers on the runtime socket."""
        try:
            told = self.command("show info")
        except OSError:
            return 0
        return int(told.partition("Pid: ")[2].partition("\n")[0] or 0)

    def states(self, backend: str = "api") -> dict[str, str]:
        """Return the state (`UP`, `DOWN`, `DRAIN`, ...) of each server of a backend that was checked already."""
        rows = csv.DictReader(self.command("show stat").lstrip("# ").splitlines())
        servers = [row for row in rows if row["pxname"] == backend and row["svname"] not in {"FRONTEND", "BACKEND"}]
        return {row["svname"]: row["status"] for row in servers if row["check_status"] not in {"", "INI"}}

    def log(self) -> str:
        """Return what it has logged so far."""
        return (self._folder / "edge.log").read_text()

    def metrics(self) -> str:
        """Return what its exporter answers."""
        with urlopen(f"http://127.0.0.1:{self.exporter}/metrics", timeout=5) as response:
            text: str = response.read().decode()
            return text

    def command(self, text: str) -> str:
        """Send a command to the runtime socket and return the answer."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self._socket))
            connection.sendall(text.encode() + b"\n")
            return connection.makefile().read()
