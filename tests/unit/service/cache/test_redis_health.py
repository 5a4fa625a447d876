"""When Redis is left alone, and when it is asked again."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ai_service.cache.redis_health import COOL_OFF_S, RedisHealth
from tests.unit.service.fakes import FakeClock


class Seen(RedisHealth):
    """One whose clock a test moves, and which counts."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.failures: list[str] = []
        self.downs = 0
        super().__init__(self.failures.append, self._count, self.clock)

    def _count(self) -> None:
        self.downs += 1

    def time_out(self, *, begun: float | None = None) -> None:
        """Fail an operation begun now, or at `begun`, with a timeout."""
        began = self.clock() if begun is None else begun
        self.clock.advance(0.05)
        self.failed("get", RedisTimeoutError("late"), began)


@pytest.fixture
def health() -> Seen:
    """Nothing has happened yet."""
    return Seen()


def test_two_timeouts_in_a_row_are_an_outage(health: Seen) -> None:
    """For a second; then it is asked again, and a third one is enough."""
    for downs in (0, 1):
        health.time_out()
        assert health.downs == downs
    assert (health.available, health.begin(), health.failures) == (False, None, ["get"] * 2)
    health.clock.advance(COOL_OFF_S)
    assert health.begin() is not None
    health.time_out()
    assert health.begin() is None


def test_an_answer_between_two_timeouts_makes_them_two_single_ones(health: Seen) -> None:
    """However often that happens."""
    for _ in range(5):
        health.time_out()
        assert not health.available
        health.succeeded("get")
        assert health.available
    assert health.downs == 0


def test_timeouts_of_what_was_under_way_together_count_once(health: Seen) -> None:
    """The second one says no more than the first."""
    together = health.clock()
    for _ in range(3):
        health.time_out(begun=together)
    assert health.downs == 0
    health.time_out()
    assert health.downs == 1


def test_a_lost_connection_is_an_outage_at_once(health: Seen) -> None:
    """Nobody waits for a second one."""
    health.failed("get", RedisConnectionError("gone"), health.clock())
    assert (health.downs, health.begin()) == (1, None)


def test_an_answer_ends_the_pause(health: Seen) -> None:
    """A start looks more than once, and a process that found Redis must not serve without it at first."""
    for _ in range(2):
        health.time_out()
    assert health.begin() is None
    health.succeeded("connect")
    assert health.begin() is not None
    assert health.available
