#!/usr/bin/python
"""Ansible module: verify that the AI service answers, from its provider and from its cache."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ai_service_selftest
short_description: Send requests to the AI service as its clients do
version_added: 0.1.0
description:
  - Waits until the service is ready and reaches its cache.
  - Where callers need a key, sends a request without one and expects to be refused.
  - Sends a request past the cache and expects the primary provider's answer, not a fallback's.
  - Sends the same request again and expects the same answer from the cache.
  - In check mode nothing is tried.
options:
  url:
    description: Address of the service. Either this or O(socket).
    type: str
  socket:
    description: Unix socket of one instance of the service.
    type: path
  provider:
    description: Provider that must answer.
    type: str
    required: true
  key_file:
    description: File with an API key, where callers need one.
    type: path
  ready_timeout:
    description: Seconds within which the service must be ready.
    type: int
    default: 30
  timeout:
    description: Seconds that the provider's answer may take, the load of a model included.
    type: int
    default: 120
extends_documentation_fragment: [alchemorsel.ai.attributes.trial]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Try the service
  alchemorsel.ai.ai_service_selftest:
    url: http://127.0.0.1:3010
    provider: ollama
"""

RETURN = r"""
tried: {description: What was tried and came out as it should., returned: success, type: list, elements: str}
"""

import contextlib
import http.client
import json
import socket
import time
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

if TYPE_CHECKING:
    import email.message

PATH = "/api/v1/ai/suggest-ingredients"
REQUEST = {"partial": ["tomato", "basil"]}
LABELLED = "mock"
"""The provider whose answers are made up: always labelled as degraded, and never cached."""
HIT_TIMEOUT = 10.0
"""Seconds; a cached answer takes milliseconds."""
MAX_BODY_BYTES = 1 << 20
CACHE_ATTEMPTS = 3
CACHE_REST = 1.5
"""Seconds between them."""
POLL_INTERVAL = 0.25
"""Seconds between two looks at a service that is starting."""


class SelftestError(Exception):
    """The service answered other than it should."""


class Answer(NamedTuple):
    """An HTTP answer: status, headers, and the body as JSON (None where it is none)."""

    status: int
    headers: email.message.Message
    body: Any


class Selftest:
    """Requests that verify one service.

    Args:
        target: Its URL, or the path of its Unix socket.
        key: An API key; empty where callers need none.
    """

    def __init__(self, target: str, key: str = "") -> None:
        self._target = target
        self._key = key
        self.tried: list[str] = []

    def wait_until_ready(self, timeout: float) -> None:
        """Wait until the service is ready and reaches its cache.

        Raises:
            SelftestError: It is not within ``timeout`` seconds; says what it lacks.
        """
        deadline = time.monotonic() + timeout
        while lacking := self._lacks():
            if time.monotonic() >= deadline:
                raise SelftestError(f"{self._target} is not ready within {timeout:g} s: {lacking}")
            time.sleep(POLL_INTERVAL)
        self.tried.append("ready, with its cache within reach")

    def ask_as_a_stranger(self) -> None:
        """Ask without a key.

        Raises:
            SelftestError: The service answered.
        """
        answer = self._request(PATH, HIT_TIMEOUT)
        if answer.status != http.client.UNAUTHORIZED:
            raise SelftestError(f"expected a request without a key to be refused with 401, got {answer.status}")
        self.tried.append("no answer without a key")

    def ask_provider(self, provider: str, timeout: float) -> Any:
        """Have the provider itself answer, and return its answer.

        Raises:
            SelftestError: Another answered, or none.
        """
        answer = self._request(PATH, timeout, headers={"Cache-Control": "no-cache", **self._credentials()})
        meta = answer.body.get("meta", {}) if isinstance(answer.body, dict) else {}
        expected = {"provider": provider, "degraded": provider == LABELLED}
        if answer.status != http.client.OK or {name: meta.get(name) for name in expected} != expected:
            why = answer.headers.get("Server-Timing", "")
            raise SelftestError(f"expected an answer of {provider}, got {answer.status} {answer.body} ({why})")
        self.tried.append(f"an answer of {provider}")
        return answer.body

    def ask_cache(self, expected: Any) -> None:
        """Have the cache answer the same.

        Raises:
            SelftestError: It was not the cache, or not the same answer.
        """
        answer = self._request(PATH, HIT_TIMEOUT, headers=self._credentials())
        cache_status = answer.headers.get("Cache-Status", "")
        if "; hit" not in cache_status:
            raise SelftestError(
                f"expected an answer from the cache, got {answer.status} with Cache-Status {cache_status!r}"
            )
        if answer.body != expected:
            raise SelftestError(f"expected {expected} again from the cache, got {answer.body}")
        self.tried.append("the same answer from the cache")

    def ask_both(self, provider: str, timeout: float) -> None:
        """Have the provider answer, then the cache the same.

        Raises:
            SelftestError: One of them did not, not even after the cache had time to recover from a hiccup: it is out of
                use for a second after an answer took it too long.
        """
        for attempt in range(CACHE_ATTEMPTS):
            answer = self.ask_provider(provider, timeout)
            if provider == LABELLED:
                return
            try:
                self.ask_cache(answer)
            except SelftestError:
                if attempt == CACHE_ATTEMPTS - 1:
                    raise
                time.sleep(CACHE_REST)
            else:
                return

    def _lacks(self) -> str:
        """Return what the service lacks to be ready; empty where it lacks nothing."""
        try:
            answer = self._request("/health", HIT_TIMEOUT, method="GET")
        except SelftestError as error:
            return str(error)
        if not isinstance(answer.body, dict) or "ready" not in answer.body:
            return f"/health answered {answer.status} {answer.body}"
        if not answer.body["ready"]:
            return f"no provider is usable: {answer.body.get('providers')}"
        cache = answer.body.get("cache", {})
        return "" if cache.get("available") else f"its cache ({cache.get('store')}) does not answer"

    def _credentials(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def _request(
        self, path: str, timeout: float, *, method: str = "POST", headers: dict[str, str] | None = None
    ) -> Answer:
        data = json.dumps(REQUEST).encode() if method == "POST" else None
        connection = _connect(self._target, timeout)
        try:
            # A service may answer, and close, before it has read the body: what is left cannot be sent then.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, response.headers, _as_json(response.read(MAX_BODY_BYTES)))
        except TimeoutError as error:
            raise SelftestError(f"{path} did not answer within {timeout:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise SelftestError(f"{path} did not answer: {error}") from error
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    """A connection to a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connect(target: str, timeout: float) -> http.client.HTTPConnection:
    """Choose the connection for a URL or a Unix socket; never through a proxy, since this is about this host."""
    if target.startswith("/"):
        return _UnixConnection(target, timeout)
    parts = urllib.parse.urlsplit(target)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=timeout)


def _as_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str"},
            "socket": {"type": "path"},
            "provider": {"type": "str", "required": True},
            "key_file": {"type": "path", "no_log": False},
            "ready_timeout": {"type": "int", "default": 30},
            "timeout": {"type": "int", "default": 120},
        },
        required_one_of=[("url", "socket")],
        mutually_exclusive=[("url", "socket")],
        supports_check_mode=True,
    )
    target = module.params["socket"] or module.params["url"].rstrip("/")
    if not target.startswith(("http://", "https://", "/")):
        module.fail_json(msg=f"url must begin with http:// or https://, not {target}")
    if module.check_mode:
        module.exit_json(changed=False, tried=[])
    key_file = module.params["key_file"]
    try:
        key = Path(key_file).read_text(encoding="utf-8").strip() if key_file else ""
    except OSError as error:
        module.fail_json(msg=f"cannot read the key in {key_file}: {error.strerror}")
    selftest = Selftest(target, key)
    try:
        selftest.wait_until_ready(module.params["ready_timeout"])
        if key:
            selftest.ask_as_a_stranger()
        selftest.ask_both(module.params["provider"], module.params["timeout"])
    except SelftestError as error:
        module.fail_json(msg=str(error), tried=selftest.tried)
    module.exit_json(changed=False, tried=selftest.tried)


if __name__ == "__main__":
    main()
