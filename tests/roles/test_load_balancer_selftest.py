"""The role's verification, on the real HAProxy: content with a fit edge, and telling what is wrong with another."""

from __future__ import annotations

import socketserver
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab.ports import free_port
from tests.contract.certificates import Authority
from tests.edge_program import NAME, EdgeProgram, frontend
from tests.http_fake import FakeHandler, HTTPFake
from tests.roles.ansible_module import load_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator

module = load_plugin("load_balancer_selftest")

ANY = "0.0.0.0"


class _ReadyHandler(FakeHandler):
    def do_GET(self) -> None:
        """Answer as the test says."""
        self.answer(self.fake.status, self.fake.body)


class Ready(HTTPFake):
    """What is behind the edge.

    Attributes:
        status: Of its answers.
        body: Of its answers, as JSON.
    """

    handler = _ReadyHandler

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.body: dict[str, Any] = {"status": "ready"}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give a directory with a short path."""
    with tempfile.TemporaryDirectory(prefix="edge-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    """Create an authority; its certificate for 127.0.0.2 is the edge's."""
    made = Authority()
    (folder / "ca.pem").write_text(made.pem)
    (folder / "edge.pem").write_text("".join(file.read_text() for file in made.certify(folder, "127.0.0.2")))
    return made


@pytest.fixture(scope="module")
def service() -> Iterator[Ready]:
    """Run a ready service."""
    with Ready() as server:
        yield server


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    """Of the frontends."""
    return {"api": free_port(), "page": free_port()}


@pytest.fixture(scope="module")
def edge(folder: Path, authority: Authority, service: Ready, ports: dict[str, int]) -> Iterator[EdgeProgram]:
    """Run an edge: an API on every address over TLS, a page on loopback, and an exporter open to hosts."""
    assert authority
    servers = {"1": service.url.removeprefix("http://")}
    frontends = [frontend(ports["api"], servers, address=ANY), frontend(ports["page"], servers, "page")]
    settings: dict[str, Any] = {"load_balancer_tls": "own", "load_balancer_exporter_address": ANY}
    with EdgeProgram(
        folder,
        servers,
        load_balancer_frontends=frontends,
        __load_balancer_certificate=str(folder / "edge.pem"),
        **settings,
    ) as program:
        yield program


@pytest.fixture
def params(edge: EdgeProgram, folder: Path, ports: dict[str, int], service: Ready) -> dict[str, Any]:
    """Give the module's parameters for this edge."""
    service.status, service.body = 200, {"status": "ready"}
    return {
        "frontends": [
            {"name": "api", "address": ANY, "port": ports["api"], "path": "/health/ready", "tls": True},
            {"name": "page", "address": "127.0.0.1", "port": ports["page"], "path": "/", "tls": False},
        ],
        "exporter": {"address": ANY, "port": edge.exporter, "from": []},
        "socket": str(folder / "edge.sock"),
        "configuration": NAME,
        "ca_file": str(folder / "ca.pem"),
        "server_name": "127.0.0.2",
    }


def test_fit_edge_passes(params: dict[str, Any]) -> None:
    """Over TLS, without it, and at the exporter."""
    assert module.check_all(params) == {"api": 200, "page": 200}


def test_service_that_says_why_it_is_not_ready_passes(params: dict[str, Any], service: Ready) -> None:
    """The edge does its part."""
    service.status, service.body = 503, {"code": "not_ready"}
    assert module.check_all(params)["api"] == 503


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"server_name": "ai.example.com"}, "certificate verify failed: Hostname mismatch"),
        ({"server_name": "127.0.0.3"}, "certificate verify failed: IP address mismatch"),
        ({"ca_file": None}, "certificate verify failed"),
        ({"configuration": "0123456789ab"}, f"has loaded {NAME}, and not the configuration 0123456789ab"),
        ({"socket": "/run/nobody.sock"}, "does not answer on its runtime socket"),
    ],
)
def test_what_is_not_as_the_role_wrote_it_is_told(params: dict[str, Any], changes: dict[str, Any], told: str) -> None:
    """Certificates, names, and the configuration that runs."""
    with pytest.raises(module.SelfTestError, match=told):
        module.check_all({**params, **changes})


def test_frontend_that_is_plain_by_mistake_is_told(params: dict[str, Any]) -> None:
    """TLS is wanted of it."""
    page = {**params["frontends"][1], "tls": True}
    with pytest.raises(module.SelfTestError, match=r"page on 127.0.0.1 port .* cannot be reached"):
        module.check_all({**params, "frontends": [page]})


@pytest.mark.parametrize("status", [500, 502, 503])
def test_error_that_tells_nothing_is_none_of_the_service(params: dict[str, Any], service: Ready, status: int) -> None:
    """An honest 503 has a code."""
    service.status, service.body = status, {"oops": True}
    with pytest.raises(module.SelfTestError, match=f"answered /health/ready with {status}"):
        module.check_all(params)


def test_server_without_the_edges_bounds_is_told(params: dict[str, Any], service: Ready) -> None:
    """Asked itself, it answers a head of 40 KB, and knows no HTTP/2."""
    port = int(service.url.rpartition(":")[2])
    bare = {"name": "api", "address": "127.0.0.1", "port": port, "path": "/", "tls": False}
    with pytest.raises(module.SelfTestError, match="does not support HTTP/2"):
        module.check_all({**params, "frontends": [bare]})


def test_exporter_that_answers_others_is_told(params: dict[str, Any], service: Ready) -> None:
    """As one without a list would."""
    if not module.own_address(module.socket.AF_INET):
        pytest.skip("this machine has no address but loopback")
    service.body = {"haproxy_": 1}
    with HTTPFakeOfAll() as other, pytest.raises(module.SelfTestError, match="which load_balancer_exporter_from lacks"):
        module.check_all({**params, "exporter": {"address": ANY, "port": other.port, "from": []}})


class HTTPFakeOfAll(Ready):
    """Answers all addresses with what an exporter says."""

    def __init__(self) -> None:
        super().__init__()
        self.body = {"haproxy_up": "1"}
        server = self._server
        assert isinstance(server, socketserver.TCPServer)
        server.socket.close()
        server.socket = module.socket.create_server((ANY, 0))
        self.port = server.socket.getsockname()[1]


def test_listed_address_is_answered(params: dict[str, Any]) -> None:
    """It is not tried as a stranger's then."""
    assert module.check_all({**params, "exporter": {**params["exporter"], "from": ["0.0.0.0/0"]}})
