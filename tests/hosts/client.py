"""A client of the service that works from the host itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testinfra.host import Host

_TIMEOUT_S = "90"


class Client:
    """Sends requests from the host itself, so that a service on loopback is reached too."""

    # The request runs in the host's own Python: a bare host has no curl.
    _SCRIPT = """
import json, sys, urllib.error, urllib.request
url, body, timeout = sys.argv[1], sys.argv[2] or None, float(sys.argv[3])
request = urllib.request.Request(url, body.encode() if body else None, {"Content-Type": "application/json"})
try:
    answer = urllib.request.urlopen(request, timeout=timeout)
except urllib.error.HTTPError as error:
    answer = error
headers = {name.lower(): value for name, value in answer.headers.items()}
print(json.dumps({"status": answer.status, "headers": headers, "body": answer.read().decode()}))
"""

    def __init__(self, host: Host, variables: Mapping[str, Any]) -> None:
        """Talk to the address and port that the variables of the role ai_service name."""
        self._host = host
        address = variables["ai_service_bind_address"]
        self._base = f"http://{'127.0.0.1' if address == '0.0.0.0' else address}:{variables['ai_service_port']}"

    def send(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request; `body` makes it a POST. Returns status, headers (lower-case names) and body."""
        text = json.dumps(body) if body is not None else ""
        printed = self._host.check_output("python3 -c %s %s %s %s", self._SCRIPT, self._base + path, text, _TIMEOUT_S)
        answer: dict[str, Any] = json.loads(printed)
        return answer
