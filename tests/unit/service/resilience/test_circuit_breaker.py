"""The circuit breaker's three states."""

import asyncio

import pytest

from ai_service.providers.errors import (
    REJECTED_COOL_OFF_S,
    CircuitOpen,
    CredentialsRejected,
    InvalidAnswer,
    ProviderError,
    ProviderOverloaded,
    ProviderUnreachable,
)
from ai_service.resilience.circuit_breaker import CircuitBreaker
from tests.unit.service.fakes import FakeClock


def call(breaker: CircuitBreaker, error: BaseException | None = None) -> None:
    """Make a successful call, or one raising the error."""
    with breaker.guard():
        if error is not None:
            raise error


def fail(breaker: CircuitBreaker, error: ProviderError | None = None) -> None:
    """Make a failing call."""
    with pytest.raises(ProviderError):
        call(breaker, error or ProviderUnreachable("down"))


def opened(clock: FakeClock) -> CircuitBreaker:
    """Create a breaker opened by three failures."""
    breaker = CircuitBreaker(failures=3, cool_off_s=5.0, clock=clock)
    for _ in range(3):
        fail(breaker)
    return breaker


def test_failures_in_a_row_open_it() -> None:
    """A success between them starts the count anew."""
    breaker = CircuitBreaker(failures=3, clock=FakeClock())
    fail(breaker)
    fail(breaker)
    call(breaker)
    fail(breaker)
    fail(breaker)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"


def test_while_open_nothing_is_let_through() -> None:
    """And the caller learns when to try again."""
    clock = FakeClock()
    breaker = opened(clock)
    clock.advance(2.0)
    with pytest.raises(CircuitOpen) as caught:
        call(breaker)
    assert caught.value.retry_after_s == 3.0


def test_one_probe_is_let_through_and_closes_it() -> None:
    """A second call while the probe is under way is refused."""
    clock = FakeClock()
    breaker = opened(clock)
    clock.advance(5.0)
    with breaker.guard():
        assert breaker.state == "half-open"
        with pytest.raises(CircuitOpen):
            call(breaker)
    assert breaker.state == "closed"


def test_a_failed_probe_opens_it_again() -> None:
    """For the whole cool-off."""
    clock = FakeClock()
    breaker = opened(clock)
    clock.advance(5.0)
    fail(breaker)
    clock.advance(4.9)
    with pytest.raises(CircuitOpen):
        call(breaker)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), InvalidAnswer("nonsense")])
def test_what_says_nothing_about_the_provider_is_neither_success_nor_failure(error: BaseException) -> None:
    """A client that leaves does not close a provider for all others, nor open it."""
    clock = FakeClock()
    breaker = CircuitBreaker(failures=2, cool_off_s=5.0, clock=clock)
    fail(breaker)
    with pytest.raises(type(error)):
        call(breaker, error)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"
    clock.advance(5.0)
    with pytest.raises(type(error)):
        call(breaker, error)
    call(breaker)
    assert breaker.state == "closed"


def test_a_server_that_says_when_to_come_back_is_left_alone_until_then() -> None:
    """At once, without waiting for more failures."""
    clock = FakeClock()
    breaker = CircuitBreaker(clock=clock)
    fail(breaker, ProviderOverloaded("busy", cool_off_s=30.0))
    clock.advance(29.0)
    with pytest.raises(CircuitOpen):
        call(breaker)
    clock.advance(1.0)
    call(breaker)


def test_rejected_credentials_are_tried_again_after_a_while() -> None:
    """One refusal opens it; a key that is enabled again where it was made needs no restart here."""
    clock = FakeClock()
    breaker = CircuitBreaker(clock=clock)
    fail(breaker, CredentialsRejected("401"))
    clock.advance(REJECTED_COOL_OFF_S - 1)
    with pytest.raises(CircuitOpen):
        call(breaker)
    clock.advance(1)
    call(breaker)
    assert breaker.state == "closed"


def test_each_change_is_told_once() -> None:
    """For one log line and one gauge a change."""
    clock, states = FakeClock(), list[str]()
    breaker = CircuitBreaker(failures=1, cool_off_s=5.0, clock=clock, on_change=states.append)
    fail(breaker)
    clock.advance(5.0)
    call(breaker)
    call(breaker)
    assert states == ["open", "half-open", "closed"]
