"""Callers that never stop asking, on new connections and on kept ones."""

from __future__ import annotations

import http.client
import json
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_PATH = "/api/v1/ai/suggest-ingredients"
_BODY = json.dumps({"partial": ["tomato", "basil"]})
_PAUSE_S = 0.1
_TIMEOUT_S = 20.0
_MANY = 2
"""Callers of each kind."""


class SteadyRequests:
    """Asks one host all the time, from four callers; a context manager.

    A caller of the first kind opens a connection for each request. One of the second keeps its connection for as long
    as the server lets it; a request that meets a closed connection counts as lost, for not every client tries again.

    Args:
        address: Where the service is, as this machine reaches it.
        port: Its port.

    Attributes:
        answered: How many requests were answered with 200.
        lost: What happened to the others, and when.
    """

    def __init__(self, address: str, port: int) -> None:
        self._target = (address, port)
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=caller)
            for caller in (self._with_new_connections, self._with_one)
            for _ in range(_MANY)
        ]
        self._lock = threading.Lock()
        self.answered = 0
        self.lost: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _with_new_connections(self) -> None:
        while not self._ended.is_set():
            connection = self._connection()
            self._count(partial(self._ask, connection))
            connection.close()

    def _with_one(self) -> None:
        connection = self._connection()
        while not self._ended.is_set():
            if not self._count(lambda: self._ask(connection)):
                connection.close()  # http.client opens it again with the next request
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self._target, timeout=_TIMEOUT_S)

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        connection.request("POST", _PATH, _BODY, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != http.client.OK:
            raise ValueError(f"{answer.status} {text[:200]!r}")

    def _count(self, ask: Callable[[], None]) -> bool:
        try:
            ask()
        except (OSError, http.client.HTTPException, ValueError) as error:
            with self._lock:
                self.lost.append(f"{time.strftime('%X')} {error!r}")
            return False
        else:
            with self._lock:
                self.answered += 1
            return True
        finally:
            time.sleep(_PAUSE_S)
