"""What the edge's exporter tells is what the alerts take it for: the real HAProxy with the role's configuration."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.edge_program import EdgeProgram
from tests.http_fake import FakeHandler, HTTPFake
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT = 4
CALLERS = 12


class _Instance(FakeHandler):
    protocol_version = "HTTP/1.1"
    fake: Instance

    def do_GET(self) -> None:
        """Be ready or not; answer everything else with a 500."""
        ready = self.path == "/health/ready" and self.fake.is_ready
        self.answer(200 if ready else 500, {"path": self.path})


class Instance(HTTPFake):
    """An instance of a service in which everything fails but its health check.

    Attributes:
        is_ready: What the health check says.
    """

    handler = _Instance

    def __init__(self) -> None:
        super().__init__()
        self.is_ready = True


@pytest.fixture
def instance() -> Iterator[Instance]:
    """One that is ready."""
    with Instance() as fake:
        yield fake


def value(edge: EdgeProgram, metric: str, **labels: str) -> float:
    """Return the sum of a metric's samples with these labels."""
    families = text_string_to_metric_families(edge.metrics())
    found = [
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == metric and labels.items() <= sample.labels.items()
    ]
    assert found, f"no {metric} with {labels}"
    return sum(found)


def refused(edge: EdgeProgram) -> float:
    """Return the count behind the alert AlchemorselConnectionLimitReached."""
    return (
        value(edge, "haproxy_frontend_http_responses_total", proxy="api", code="5xx")
        - value(edge, "haproxy_backend_http_responses_total", proxy="api", code="5xx")
        + value(edge, "haproxy_frontend_denied_connections_total", proxy="api")
    )


def ask(connection: socket.socket) -> bytes:
    """Send a request on a persistent connection and return the answer's status line."""
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return connection.recv(4096).split(b"\r\n")[0]


def test_callers_beyond_the_limit_are_told_apart_from_errors_of_the_service(tmp_path: Path, instance: Instance) -> None:
    """Both are answered with 5xx; only the former are refusals of the edge."""
    address = instance.url.removeprefix("http://")
    with EdgeProgram(tmp_path, {"1": address}, LIMIT) as edge, ExitStack() as open_connections:
        until(lambda: value(edge, "haproxy_backend_active_servers", proxy="api") == 1)
        assert refused(edge) == 0
        callers = [
            open_connections.enter_context(socket.create_connection(("127.0.0.1", edge.port), 5))
            for _ in range(CALLERS)
        ]
        answers = [ask(caller) for caller in callers]
        of_the_edge = [answer for answer in answers if b" 503 " in answer]
        of_the_service = [answer for answer in answers if b" 500 " in answer]
        assert len(of_the_edge) > LIMIT
        assert of_the_service
        until(lambda: refused(edge) == len(of_the_edge))


def test_instance_that_is_not_ready_is_down_and_its_twin_is_not(tmp_path: Path, instance: Instance) -> None:
    """The twin without a health check takes requests while none is ready, and counts for none."""
    address = instance.url.removeprefix("http://")
    instance.is_ready = False
    with EdgeProgram(tmp_path, {"1": address}) as edge:
        until(lambda: value(edge, "haproxy_server_status", proxy="api", server="1", state="DOWN") == 1)
        assert value(edge, "haproxy_server_status", proxy="api", server="1-any", state="UP") == 1
        assert value(edge, "haproxy_backend_active_servers", proxy="api") == 0


def test_drained_instance_is_told_apart_from_one_that_is_down(tmp_path: Path, instance: Instance) -> None:
    """By the state that a rollout sets, and that the runbook does by hand."""
    address = instance.url.removeprefix("http://")
    with EdgeProgram(tmp_path, {"1": address, "2": address}) as edge:
        until(lambda: value(edge, "haproxy_backend_active_servers", proxy="api") == 2)
        edge.command("set server api/2 state drain")
        assert value(edge, "haproxy_server_status", proxy="api", server="2", state="DRAIN") == 1
        assert value(edge, "haproxy_server_status", proxy="api", server="2", state="DOWN") == 0
        assert value(edge, "haproxy_backend_active_servers", proxy="api") == 1
        edge.command("set server api/2 state ready")
        until(lambda: value(edge, "haproxy_backend_active_servers", proxy="api") == 2)
