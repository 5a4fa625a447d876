"""A caller that asks many times a second, and records when nothing answered."""

from __future__ import annotations

import http.client
import threading
import time
from typing import Self

_EVERY_S = 0.02
_TIMEOUT_S = 20.0


class GapProbe:
    """Asks for one path on a new connection each time; a context manager.

    Args:
        address: Where the service listens.
        port: Its port.
        path: What is asked for; 200 is an answer.

    Attributes:
        failures: When a request failed (monotonic seconds at which it began), and how.
        answered: Number of answers.
        gaps: How often failures followed an answer.
    """

    def __init__(self, address: str, port: int, path: str) -> None:
        self._target = (address, port)
        self._path = path
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.failures: list[tuple[float, str]] = []
        self.answered = 0
        self.gaps = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def gap_s(self) -> float:
        """Seconds from the first failure to the last."""
        return self.failures[-1][0] - self.failures[0][0] if self.failures else 0.0

    def _run(self) -> None:
        failing = False
        while not self._ended.wait(_EVERY_S):
            begun = time.monotonic()
            problem = self._ask()
            if problem:
                self.failures.append((begun, problem))
                self.gaps += not failing
            else:
                self.answered += 1
            failing = bool(problem)

    def _ask(self) -> str:
        """Send one request; return what went wrong."""
        connection = http.client.HTTPConnection(*self._target, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", self._path)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        finally:
            connection.close()
        return "" if response.status == http.client.OK else f"status {response.status}"
