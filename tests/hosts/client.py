"""A client of the service, or of its page, that works from the host itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testinfra.host import Host

_TIMEOUT_S = "90"
_KEY_FILE = "/etc/alchemorsel/secrets/ai_service_verify_key"


class Client:
    """Sends requests from the host itself, so that a service on loopback is reached too."""

    # The request runs in the host's own Python: a bare host has no curl.
    _SCRIPT = """
import json, sys, urllib.error, urllib.request
url, body, timeout, key_file = sys.argv[1], sys.argv[2] or None, float(sys.argv[3]), sys.argv[4]
request = urllib.request.Request(url, body.encode() if body else None, {"Content-Type": "application/json"})
if key_file:
    request.add_header("Authorization", "Bearer " + open(key_file).read().strip())
try:
    answer = urllib.request.urlopen(request, timeout=timeout)
except urllib.error.HTTPError as error:
    answer = error
headers = {name.lower(): value for name, value in answer.headers.items()}
print(json.dumps({"status": answer.status, "headers": headers, "body": answer.read().decode()}))
"""

    def __init__(self, host: Host, address: str, port: int, *, key_file: str = "") -> None:
        """Talk to that address and port; the key stays on the host, since everybody there can read command lines."""
        self._host = host
        self._key_file = key_file
        self._base = f"http://{'127.0.0.1' if address == '0.0.0.0' else address}:{port}"

    @classmethod
    def of_api(cls, host: Host, variables: Mapping[str, Any]) -> Self:
        """Create a client of the API described by the variables of the role ai_service."""
        key_file = _KEY_FILE if variables["ai_service_api_keys"] else ""
        return cls(
            host,
            _reachable(host, variables["ai_service_bind_address"]),
            variables["ai_service_port"],
            key_file=key_file,
        )

    @classmethod
    def of_page(cls, host: Host, variables: Mapping[str, Any]) -> Self:
        """Create a client of the page described by the variables of the role web."""
        return cls(host, _reachable(host, variables["web_bind_address"]), variables["web_port"])

    def send(self, path: str, body: dict[str, Any] | None = None, *, stranger: bool = False) -> dict[str, Any]:
        """One request; `body` makes it a POST, a stranger has no key. Returns status, headers (lower-case) and body."""
        text = json.dumps(body) if body is not None else ""
        key_file = "" if stranger else self._key_file
        command = "python3 -c %s %s %s %s %s"
        printed = self._host.check_output(command, self._SCRIPT, self._base + path, text, _TIMEOUT_S, key_file)
        answer: dict[str, Any] = json.loads(printed)
        return answer


# In the host's own Python: a bare host has no curl.
_READ = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())"


def page_of(host: Host, url: str) -> str:
    """Read a page from the host itself."""
    return str(host.check_output("python3 -c %s %s", _READ, url))


def is_served(host: Host, url: str) -> bool:
    """Tell whether a page can be read from the host itself."""
    return bool(host.run("python3 -c %s %s", _READ, url).rc == 0)


def _reachable(host: Host, address: str) -> str:
    """Choose the address for programs of the host: beside TLS the edge listens on loopback in plaintext."""
    return "127.0.0.1" if host.ansible.get_variables().get("load_balancer_tls") in {"own", "given"} else address
