#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: use the edge as its callers do, and try what it must refuse."""

from __future__ import annotations

DOCUMENTATION = r"""
module: load_balancer_selftest
short_description: Send requests through every frontend of the edge, invalid ones included
version_added: 0.1.0
description:
  - The running edge has loaded O(configuration). Every frontend answers a request (or says with 503 in JSON why not),
    speaks HTTP/2, and refuses an over-long head; one with TLS presents a certificate for O(server_name) that O(ca_file)
    vouches for. The exporter answers loopback and closes the connections of others.
  - Tries again until O(timeout), since a reload takes a moment.
options:
  frontends:
    description: What the edge serves.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: Name of the frontend., type: str, required: true}
      address: {description: Address that it listens on., type: str, required: true}
      port: {description: Its port., type: int, required: true}
      path: {description: What is asked for., type: str, required: true}
      tls: {description: Whether it speaks TLS., type: bool, required: true}
  exporter:
    description: "C(address) and C(port) of the exporter, and C(from), whom it answers besides loopback."
    type: dict
    required: true
  socket:
    description: Runtime socket.
    type: path
    required: true
  configuration:
    description: The description of the configuration that has to be loaded.
    type: str
    required: true
  ca_file:
    description: CA bundle for certificates; without one, what the host trusts.
    type: path
  server_name:
    description: Name that the certificate has to cover; empty checks no name.
    type: str
    default: ""
  timeout:
    description: Seconds after which the last failure counts.
    type: float
    default: 15
extends_documentation_fragment: [alchemorsel.ai.attributes.trial]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Verify the edge
  alchemorsel.ai.load_balancer_selftest:
    frontends: [{name: api, address: 127.0.0.1, port: 3010, path: /health/ready, tls: false}]
    exporter: {address: 127.0.0.1, port: 8405, from: []}
    socket: /run/alchemorsel/edge/edge.sock
    configuration: 0123456789ab
"""

RETURN = r"""
statuses: {description: "HTTP status by frontend.", returned: success, type: dict}
"""

import http.client
import ipaddress
import json
import socket
import ssl
import time
from contextlib import closing
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.edge_process import ask, field

REQUEST_SECONDS = 20
"""The service answers health checks at once; the edge tries several servers within this."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
SETTINGS = 4
LONG_HEAD = "x" * 40_000
ANY = {"0.0.0.0": "127.0.0.2", "::": "127.0.0.2"}  # noqa: S104 - addresses to compare with
"""Where a frontend of all addresses is reached: 127.0.0.1 is the plain listener's."""


class SelfTestError(Exception):
    """The edge does not do what it must; the message is what."""


class Frontend:
    """One frontend, as a caller reaches it.

    Args:
        given: An element of the option `frontends`.
        ca_file: CA bundle; without one, what the host trusts.
        server_name: Name in the certificate.
    """

    def __init__(self, given: dict[str, Any], ca_file: str | None, server_name: str) -> None:
        self.name: str = given["name"]
        self._at = (
            ANY.get(given["address"], given["address"]) if given["tls"] else loopback(given["address"]),
            given["port"],
        )
        self._path: str = given["path"]
        self._tls: bool = given["tls"]
        self._ca_file = ca_file
        self._server_name = server_name
        self._host = f"localhost:{given['port']}"

    def check(self) -> int:
        """Return the status of an answer.

        Raises:
            SelfTestError: It does not do what it must.
        """
        status = self._answer()
        self._speaks_http2()
        refused = self._send(LONG_HEAD)[0]
        if refused != http.client.BAD_REQUEST:
            raise SelfTestError(f"{self._told} answered a head of {len(LONG_HEAD)} bytes with {refused}, not with 400")
        return status

    @property
    def _told(self) -> str:
        return f"{self.name} on {self._at[0]} port {self._at[1]}"

    def _answer(self) -> int:
        status, body = self._send()
        if status >= http.client.INTERNAL_SERVER_ERROR:
            try:
                told = json.loads(body)["code"]
            except (ValueError, KeyError, TypeError):
                told = ""
            if status != http.client.SERVICE_UNAVAILABLE or not told:
                raise SelfTestError(f"{self._told} answered {self._path} with {status}: {body[:200]!r}")
        return status

    def _send(self, long: str = "") -> tuple[int, bytes]:
        with closing(self._connect("http/1.1")) as connection:
            head = f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\nConnection: close\r\n"
            more = f"X-Long: {long}\r\n" if long else ""
            connection.sendall(f"{head}{more}\r\n".encode())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer.status, answer.read()

    def _speaks_http2(self) -> None:
        with closing(self._connect("h2")) as connection:
            if isinstance(connection, ssl.SSLSocket):
                if connection.selected_alpn_protocol() != "h2":
                    raise SelfTestError(f"{self._told} does not offer HTTP/2")
                return
            connection.sendall(PREFACE)
            if connection.recv(9)[3:4] != bytes([SETTINGS]):
                raise SelfTestError(f"{self._told} does not support HTTP/2")

    def _connect(self, protocol: str) -> socket.socket:
        try:
            connection = socket.create_connection(self._at, REQUEST_SECONDS)
            if not self._tls:
                return connection
            context = ssl.create_default_context(cafile=self._ca_file)
            context.check_hostname = bool(self._server_name)
            context.set_alpn_protocols([protocol])
            return context.wrap_socket(connection, server_hostname=self._server_name or None)
        except OSError as error:
            raise SelfTestError(f"{self._told} cannot be reached: {error}") from error


def loopback(address: str) -> str:
    """Return where a plain frontend is reached on the host itself."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - addresses to compare with


def check_exporter(address: str, port: int, sources: list[str]) -> None:
    """Check that the exporter answers loopback, and others only where they are listed.

    Raises:
        SelfTestError: It does not.
    """
    is_six = ":" in address
    answered = _metrics(loopback(address), port, "::1" if is_six else "127.0.0.1")
    if b"haproxy_" not in answered:
        raise SelfTestError(f"the exporter on {address} port {port} does not answer loopback")
    own = own_address(socket.AF_INET6 if is_six else socket.AF_INET)
    if ipaddress.ip_address(address).is_loopback or not own or _is_listed(own, sources):
        return
    if _metrics(own if address in ANY else address, port, own):
        raise SelfTestError(
            f"the exporter on {address} port {port} answers {own}, which load_balancer_exporter_from lacks"
        )


def _metrics(address: str, port: int, source: str) -> bytes:
    try:
        with socket.create_connection((address, port), REQUEST_SECONDS, (source, 0)) as connection:
            connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            return b"".join(iter(lambda: connection.recv(65536), b""))
    except OSError:
        return b""


def _is_listed(address: str, sources: list[str]) -> bool:
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(each, strict=False) for each in sources)


def own_address(family: socket.AddressFamily) -> str:
    """Return the address that this host is seen with by others; an empty string where it has none."""
    target = "192.0.2.1" if family == socket.AF_INET else "2001:db8::1"
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))  # sends nothing
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def check_all(params: dict[str, Any]) -> dict[str, int]:
    """Return the statuses by frontend.

    Raises:
        SelfTestError: Something is not as it must be.
    """
    loaded = field(ask(params["socket"], "show info"), "description")
    if loaded != params["configuration"]:
        told = f"has loaded {loaded}" if loaded else "does not answer on its runtime socket"
        raise SelfTestError(f"The edge {told}, and not the configuration {params['configuration']}: see its log")
    statuses = {}
    for given in params["frontends"]:
        statuses[given["name"]] = Frontend(given, params["ca_file"], params["server_name"]).check()
        if given["tls"]:
            Frontend({**given, "address": "127.0.0.1", "tls": False}, None, "").check()
    exporter = params["exporter"]
    check_exporter(exporter["address"], int(exporter["port"]), exporter["from"])
    return statuses


def main() -> None:
    """Run the module."""
    frontend = {
        "name": {"type": "str", "required": True},
        "address": {"type": "str", "required": True},
        "port": {"type": "int", "required": True},
        "path": {"type": "str", "required": True},
        "tls": {"type": "bool", "required": True},
    }
    module = AnsibleModule(
        argument_spec={
            "frontends": {"type": "list", "elements": "dict", "required": True, "options": frontend},
            "exporter": {"type": "dict", "required": True},
            "socket": {"type": "path", "required": True},
            "configuration": {"type": "str", "required": True},
            "ca_file": {"type": "path"},
            "server_name": {"type": "str", "default": ""},
            "timeout": {"type": "float", "default": 15.0},
        },
        supports_check_mode=True,
    )
    give_up = time.monotonic() + module.params["timeout"]
    while True:
        try:
            statuses = check_all(module.params)
        except (SelfTestError, OSError, http.client.HTTPException) as error:
            if time.monotonic() > give_up:
                module.fail_json(msg=str(error) or repr(error))
            time.sleep(0.3)
        else:
            module.exit_json(changed=False, statuses=statuses)


if __name__ == "__main__":
    main()
