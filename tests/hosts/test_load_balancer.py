"""A host's edge bounds what callers may do, protects its keys, and presents a certificate that its CA verifies."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.hosts.sandbox import MAX_EXPOSURE, exposure

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables

GROUPS = ("ai_service_hosts", "web_hosts", "load_balancer_hosts")
UNIT = "alchemorsel-edge.service"
RENEWAL = "alchemorsel-edge-certificate"
TLS = "/etc/alchemorsel/tls"
BIND = re.compile(r"^\s+bind (?:ipv6@)?\[?([^\]\s]+?)\]?:(\d+)( ssl)?", re.MULTILINE)
PATHS = {"api": "/health/live", "page": "/"}

# In the host's own Python: a bare host has no curl. One answer a connection; what is printed is status, headers, body.
SEND = """
import http.client, json, os, socket, ssl, sys
given = "/etc/alchemorsel/tls/ca.pem"
address, port, name, request, protocols = json.loads(sys.argv[1])
connection = socket.create_connection((address, port), 20)
told = {}
if name is not None:
    context = ssl.create_default_context(cafile=given if os.path.exists(given) else None)
    context.check_hostname = bool(name)
    context.verify_mode = ssl.CERT_REQUIRED if name else ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    connection = context.wrap_socket(connection, server_hostname=name or None)
    told = {"protocol": connection.selected_alpn_protocol(), "version": connection.version()}
if request:
    connection.sendall(request.encode())
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    told |= {"status": answer.status, "headers": {key.lower(): value for key, value in answer.headers.items()}}
    told["body"] = answer.read().decode(errors="replace")
print(json.dumps(told))
"""


class Frontend:
    """A frontend of the running edge, as its configuration has it."""

    def __init__(self, host: Host, name: str, address: str, port: int, *, tls: bool) -> None:
        self._host = host
        self.name = name
        # Beside a frontend of all addresses that speaks TLS, 127.0.0.1 speaks none.
        anywhere = "127.0.0.2" if tls else "127.0.0.1"
        self._address = anywhere if address in {"0.0.0.0", "::"} else address
        self._port = port
        self.tls = tls

    def send(self, *lines: str, name: str = "", protocols: tuple[str, ...] = ("http/1.1",), ask: bool = True) -> Any:
        """Send one request and return the answer, with what TLS agreed on.

        Args:
            lines: Further header lines.
            name: Name that the certificate has to cover; none is verified where it is empty.
            protocols: Offered by ALPN.
            ask: Whether to send a request after the handshake.
        """
        head = [f"GET {PATHS[self.name]} HTTP/1.1", f"Host: localhost:{self._port}", "Connection: close", *lines]
        request = "\r\n".join([*head, "", ""]) if ask else ""
        arguments = [self._address, self._port, name if self.tls else None, request, protocols]
        return json.loads(self._host.check_output("python3 -c %s %s", SEND, json.dumps(arguments)))


@pytest.fixture
def configuration(host: Host) -> str:
    """Give the text of the edge's configuration."""
    return str(host.file("/etc/alchemorsel/edge.cfg").content_string)


@pytest.fixture
def frontends(host: Host, configuration: str) -> list[Frontend]:
    """Give the frontends of API and page, without the plain listeners beside TLS."""
    sections = re.split(r"^frontend ", configuration, flags=re.MULTILINE)[1:]
    found = []
    for section in sections:
        name = section.split(maxsplit=1)[0]
        match = BIND.search(section)
        if name in PATHS and match is not None:
            found.append(Frontend(host, name, match[1], int(match[2]), tls=bool(match[3])))
    assert found
    return found


def test_edge_runs_and_comes_back_after_a_reboot(host: Host) -> None:
    """Its own unit, whatever else the host has of HAProxy."""
    assert host.service(UNIT).is_running
    assert host.service(UNIT).is_enabled


def test_packages_own_unit_does_not_run_where_the_role_brought_the_package(host: Host) -> None:
    """One HAProxy with the distribution's example would be one too many."""
    if not host.file("/etc/alchemorsel/edge.package").exists:
        pytest.skip("HAProxy was on this host before the role")
    assert not host.service("haproxy.service").is_running
    assert not host.service("haproxy.service").is_enabled


def test_no_process_of_it_is_roots(host: Host) -> None:
    """Neither the master nor a worker."""
    pid = host.check_output(f"systemctl show --property=MainPID --value {UNIT}")
    users = host.check_output("ps -o user:32= -p %s --ppid %s", pid, pid).split()
    assert set(users) == {"alchemorsel-edge"}


def test_units_are_exposed_as_little_as_promised(host: Host, variables: Variables) -> None:
    """The sandbox is 2.0 or less of 10 in systemd's own judgement; the renewal's too, where there is one."""
    assert exposure(host, UNIT) <= MAX_EXPOSURE
    if variables("load_balancer")["load_balancer_tls"] == "own":
        assert exposure(host, f"{RENEWAL}.service") <= MAX_EXPOSURE


def test_runtime_socket_is_for_the_edge_and_root(host: Host) -> None:
    """Who may write to it drains servers."""
    socket = host.file("/run/alchemorsel/edge/edge.sock")
    assert (socket.user, socket.mode) == ("alchemorsel-edge", 0o600)
    assert host.file("/run/alchemorsel/edge").mode & 0o007 == 0


def test_keys_are_for_those_who_need_them(host: Host, variables: Variables) -> None:
    """The certificate's for the edge, the issuer's and the authority's for root; the CA bundle for everybody."""
    if variables("load_balancer")["load_balancer_tls"] not in {"own", "given"}:
        pytest.skip("this site's edge speaks no TLS")
    certificate = host.file(f"{TLS}/edge.pem")
    assert (certificate.user, certificate.mode) == ("alchemorsel-edge", 0o600)
    for path in host.check_output(f"find {TLS} -name '*.key'").split():
        assert (host.file(path).user, host.file(path).mode) == ("root", 0o600), path
        assert host.file(path.rpartition("/")[0]).mode == 0o700, path
    if host.file(f"{TLS}/ca.pem").exists:
        assert host.file(f"{TLS}/ca.pem").mode == 0o644


def test_every_frontend_answers(frontends: list[Frontend]) -> None:
    """A caller gets an answer of what is behind it, with a request id on the API."""
    for frontend in frontends:
        answer = frontend.send()
        assert answer["status"] == 200, (frontend.name, answer)


def test_certificate_is_vouched_for_and_covers_its_names(frontends: list[Frontend], variables: Variables) -> None:
    """By the CA bundle that clients get; over TLS 1.2 or 1.3, with HTTP/2 where clients offer it."""
    wanted = variables("load_balancer")
    secured = [frontend for frontend in frontends if frontend.tls]
    if not secured:
        pytest.skip("this host's frontends speak no TLS")
    for frontend in secured:
        for name in wanted["load_balancer_tls_names"]:
            answer = frontend.send(name=name)
            assert answer["status"] == 200, name
            assert answer["version"] in {"TLSv1.2", "TLSv1.3"}
            assert frontend.send(name=name, protocols=("h2", "http/1.1"), ask=False)["protocol"] == "h2"


def test_head_that_is_too_large_is_refused(frontends: list[Frontend]) -> None:
    """With the service's envelope, which names the request."""
    for frontend in frontends:
        answer = frontend.send("X-Request-Id: host-test", "X-Long: " + "x" * 33_000)
        assert answer["status"] == 400, frontend.name
        assert json.loads(answer["body"])["request_id"] == "host-test"


def test_other_protocols_are_not_taken_up(frontends: list[Frontend]) -> None:
    """A client that offers h2c gets its answer in HTTP/1.1."""
    for frontend in frontends:
        answer = frontend.send("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")
        assert answer["status"] == 200, frontend.name
        assert "upgrade" not in answer["headers"]


def test_certificate_renews_itself(host: Host, variables: Variables) -> None:
    """By the host's own timer, which has nothing to do yet."""
    if variables("load_balancer")["load_balancer_tls"] != "own":
        pytest.skip("this site's certificates are not the role's to renew")
    assert host.service(f"{RENEWAL}.timer").is_running
    assert host.service(f"{RENEWAL}.timer").is_enabled
    told = host.run(f"systemctl show --property=Result --value {RENEWAL}.service")
    assert told.stdout.strip() == "success"
