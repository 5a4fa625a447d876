"""How long a server may be silent."""

from __future__ import annotations

from ai_service.resilience.pool.silence import SUSPECT_FACTOR, SUSPECT_S, SilenceLimits


def test_a_slow_server_is_not_a_silent_one() -> None:
    """Where first texts take long, shares are longer, up to the whole silence."""
    silence = SilenceLimits(timeout_s=30.0, load_timeout_s=60.0)
    assert silence.share_s(2, cold=False) == 15.0
    silence.learn(8.0)
    assert silence.share_s(2, cold=False) == 24.0
    silence.learn(20.0)
    assert silence.share_s(2, cold=False) == 30.0


def test_the_last_server_has_no_share() -> None:
    """The provider's own deadlines apply."""
    assert SilenceLimits(timeout_s=30.0, load_timeout_s=60.0).share_s(1, cold=False) is None


def test_a_server_that_loads_its_model_may_be_silent_for_longer() -> None:
    """By its part of the time for loading."""
    assert SilenceLimits(timeout_s=30.0, load_timeout_s=60.0).share_s(2, cold=True) == 45.0


def test_suspicion_follows_the_slowest_first_text_and_forgets_it_slowly() -> None:
    """Never sooner than the least."""
    silence = SilenceLimits(timeout_s=30.0, load_timeout_s=60.0)
    assert silence.suspicion_s == SUSPECT_S
    silence.learn(8.0)
    assert silence.suspicion_s == SUSPECT_FACTOR * 8.0
    silence.learn(0.0)
    assert SUSPECT_S < silence.suspicion_s < SUSPECT_FACTOR * 8.0
