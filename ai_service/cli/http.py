"""HTTP as the command needs it: deadlines, no proxies, and errors in words."""

from __future__ import annotations

import json
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from ai_service.cli.errors import CliError, NotReachableError
from ai_service.config.environment import PREFIX
from ai_service.transport.tls import certificate_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_S = 2.0


class Server:
    """One server that the command talks to.

    Args:
        name: What people call it: "the API", "Ollama".
        base_url: Its address.
        hint: What to do where it does not answer.
        key: Its API key; "" where it wants none.
        ca_file: CA bundle for https://; "" for the operating system's.

    Raises:
        CliError: The CA bundle cannot be read.
    """

    def __init__(self, name: str, base_url: str, *, hint: str, key: str = "", ca_file: str = "") -> None:
        self._name = name
        self._hint = hint
        self.base_url = base_url
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=base_url, headers=headers, trust_env=False, verify=_context(ca_file))

    def request(
        self, method: str, path: str, body: Any = None, *, timeout_s: float, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """One request; whatever the status, the answer is the caller's to judge.

        Raises:
            NotReachableError: There is no answer.
        """
        with self._told():
            timeout = httpx.Timeout(timeout_s, connect=CONNECT_S)
            return self._client.request(method, path, json=body, timeout=timeout, headers=headers)

    @contextmanager
    def stream(self, method: str, path: str, body: Any, *, silence_s: float) -> Iterator[Iterator[dict[str, Any]]]:
        """Stream the lines of an NDJSON answer as they arrive; an error status is one line with an `error`.

        Raises:
            NotReachableError: There is no answer, or it breaks off.
        """
        timeout = httpx.Timeout(silence_s, connect=CONNECT_S)
        with self._told(), self._client.stream(method, path, json=body, timeout=timeout) as response:
            yield (json.loads(line) for line in response.iter_lines() if line.strip())

    @contextmanager
    def open(
        self, method: str, path: str, body: Any, *, silence_s: float, headers: dict[str, str]
    ) -> Iterator[httpx.Response]:
        """Begin one request, whose answer is read while it comes; whatever the status, it is the caller's to judge.

        Raises:
            NotReachableError: There is no answer, or it breaks off.
        """
        timeout = httpx.Timeout(silence_s, connect=CONNECT_S)
        with (
            self._told(),
            self._client.stream(method, path, json=body, timeout=timeout, headers=headers) as response,
        ):
            yield response

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as error:
            raise NotReachableError(
                f"{self._name} at {self.base_url} does not answer in time.", hint=self._hint
            ) from error
        except httpx.HTTPError as error:
            problem = certificate_problem(error, f"Name its CA bundle: alchemorsel --ca-file FILE, or {PREFIX}CA_FILE.")
            if problem:
                raise NotReachableError(f"{self._name} at {self.base_url} {problem}") from error
            raise NotReachableError(f"{self._name} at {self.base_url} cannot be reached.", hint=self._hint) from error


def _context(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except ssl.SSLError:
        raise CliError(f"--ca-file {ca_file} holds no certificates in PEM format.") from None
    except OSError as error:
        raise CliError(f"--ca-file {ca_file} cannot be read: {error.strerror}.") from None
