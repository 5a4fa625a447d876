"""The edge of a host: HAProxy with the configuration of the role `load_balancer`, in front of several instances."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

import yaml
from jinja2 import Environment

from lab.packages import ensure_program
from lab.paths import ROOT
from lab.ports import free_port
from tools.perf.peers.server import Server, answers
from tools.perf.peers.service import Instance

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path
    from types import TracebackType

    from tools.perf.peers.service import Provider, Redis

INSTANCES = 2
_ROLE = ROOT / "roles" / "load_balancer"


class Edge(Server):
    """HAProxy as the role configures it.

    Args:
        folder: For its configuration, its runtime socket and its log.
        cores: On which it may run.
        instances: What it stands in front of.
    """

    def __init__(self, folder: Path, cores: Collection[int], instances: Sequence[Instance]) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        configuration = folder / "edge.cfg"
        configuration.write_text(_render(folder, port, instances))
        super().__init__(
            "edge",
            ["haproxy", "-db", "-f", str(configuration)],
            ready=answers(f"{self.url}/health/ready"),
            folder=folder,
            cores=cores,
        )


class Host:
    """The edge and its instances, as a host has them; they run while it is used as a context manager.

    Args:
        folder: For sockets, metrics and logs.
        cores: On which all of it may run.
        provider: The instances'.
        redis: Where they cache.

    Attributes:
        url: The edge's.
    """

    def __init__(self, folder: Path, cores: Collection[int], provider: Provider, redis: Redis) -> None:
        self._instances = [
            Instance(folder, cores, provider, redis, name=str(number)) for number in range(1, INSTANCES + 1)
        ]
        self._edge = Edge(folder, cores, self._instances)
        self.url = self._edge.url

    def __enter__(self) -> Self:
        ensure_program("haproxy", "haproxy", units=("haproxy.service",))
        with ExitStack() as stack:
            for server in (*self._instances, self._edge):
                stack.enter_context(server)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def cpu_seconds(self) -> float:
        """Return the CPU time that the edge and its instances have used so far."""
        return sum(server.cpu_seconds() for server in (*self._instances, self._edge))

    def resident_bytes(self) -> int:
        """Return the resident memory of the largest instance."""
        return max(instance.resident_bytes() for instance in self._instances)


def _render(folder: Path, port: int, instances: Sequence[Instance]) -> str:
    servers = [{"name": instance.name, "address": f"unix@{instance.path}"} for instance in instances]
    variables = {
        **yaml.safe_load((_ROLE / "defaults" / "main.yml").read_text(encoding="utf-8")),
        "__load_balancer_socket": str(folder / "edge.sock"),
        "load_balancer_exporter_port": free_port(),
        "load_balancer_frontends": [{"name": "api", "address": "127.0.0.1", "port": port, "servers": servers}],
    }
    template = (_ROLE / "templates" / "edge.cfg.j2").read_text(encoding="utf-8")
    # As Ansible sets up Jinja.
    environment = Environment(trim_blocks=True, keep_trailing_newline=True)  # noqa: S701 - no HTML
    return environment.from_string(template).render(variables)
