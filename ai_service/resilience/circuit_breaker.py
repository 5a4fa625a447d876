"""A circuit breaker: stops calling what fails, and finds out with one call whether it is back."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ai_service.providers.errors import CircuitOpen, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAILURES = 3
COOL_OFF_S = 5.0


class CircuitBreaker:
    """Closed, open, or half-open with exactly one probe.

    A call that is cancelled, refused by our own queue, or answered with nonsense says nothing about whether the
    provider is up: it is neither success nor failure.

    Args:
        failures: So many in a row open it.
        cool_off_s: Seconds until a probe is let through.
        on_change: Called with the new state.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        cool_off_s: float = COOL_OFF_S,
        on_change: Callable[[str], None] = lambda _state: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._cool_off_s = cool_off_s
        self._on_change = on_change
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0
        self._probing = False
        self.state = "closed"

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Surrounds one call.

        Raises:
            CircuitOpen: No call is let through now.
        """
        probe = self._enter()
        try:
            yield
        except ProviderError as error:
            if error.trips:
                self.fail(error.cool_off_s)
            raise
        else:
            self.succeed()
        finally:
            if probe:
                self._probing = False

    def _enter(self) -> bool:
        """Lets a call in; whether it is the probe."""
        if self.state == "closed":
            return False
        wait = self._open_until - self._clock()
        if wait > 0 or self._probing:
            raise CircuitOpen("the circuit breaker is open", retry_after_s=max(wait, 1.0))
        self._probing = True
        self._change("half-open")
        return True

    @property
    def due_in_s(self) -> float:
        """Seconds until a probe is let through; 0 where it is closed."""
        return 0.0 if self.state == "closed" else max(0.0, self._open_until - self._clock())

    def fail(self, cool_off_s: float | None = None) -> None:
        """Count a failure.

        Args:
            cool_off_s: Opens it at once for so many seconds; None leaves it to the count.
        """
        self._failures += 1
        if cool_off_s is not None or self.state != "closed" or self._failures >= self._limit:
            self._open_until = self._clock() + (self._cool_off_s if cool_off_s is None else cool_off_s)
            self._change("open")

    def succeed(self) -> None:
        """Close it, and start the count anew."""
        self._failures = 0
        self._change("closed")

    def _change(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self._on_change(state)
