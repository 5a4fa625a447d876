"""What callers saw, counted by window and kind, and when all was as before."""

from __future__ import annotations

import pytest

from bench.load.plan import NEW_FROM
from lab.faults.outcome import (
    Kind,
    Moments,
    cached_p99_ms,
    count_kinds,
    kind_of,
    longest_failure_s,
    recovery_s,
    span_s,
)
from tests.unit.lab.faults.examples import MOMENTS, calm, fallback, fresh, lost, refused, sample

HEALED_NS = MOMENTS.healed_ns


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (sample(1), Kind.CACHED),
        (sample(1, cache="stale"), Kind.STALE),
        (fresh(1), Kind.FRESH),
        (sample(1, cache="coalesced"), Kind.FRESH),
        (fallback(1), Kind.FALLBACK),
        (sample(1, degraded=True), Kind.FALLBACK),
        (refused(1), Kind.REFUSED),
        (refused(1, retry_after=""), Kind.LOST),
        (refused(1, status=504), Kind.EXPIRED),
        (refused(1, status=500), Kind.LOST),
        (lost(1), Kind.LOST),
    ],
)
def test_kind_is_what_the_caller_got(answer: object, kind: Kind) -> None:
    """A 503 without Retry-After is lost; a hit of what a fallback wrote is the fallback's."""
    assert kind_of(answer) is kind  # type: ignore[arg-type]


def test_request_under_way_when_the_fault_begins_belongs_to_it() -> None:
    """It may fail by it; what is due after the heal belongs to the time after."""
    samples = [sample(9), sample(9.5, 1.0), sample(15), sample(20)]
    counts = count_kinds(samples, MOMENTS)
    assert counts == {"before": {"cached": 1}, "during": {"cached": 2}, "after": {"cached": 1}}


def test_p99_is_of_cached_answers_of_known_keys_alone() -> None:
    """By window; a window without any has none."""
    samples = [*(sample(at / 10, 0.001 * at) for at in range(1, 51)), fresh(3, 5.0), lost(4), sample(25, 0.2)]
    assert cached_p99_ms(samples, MOMENTS) == {"before": pytest.approx(50), "during": None, "after": 200}


def test_recovery_ends_with_the_last_request_that_was_not_as_before() -> None:
    """A known key that is no hit, or a new one refused as none was before."""
    samples = [*calm(1, 9), *calm(20, 40), refused(23, 0.5), refused(26, index=NEW_FROM)]
    assert recovery_s(samples, MOMENTS, HEALED_NS) == pytest.approx(6.01, abs=0.005)


def test_recovery_waits_for_the_fallback_that_new_requests_had() -> None:
    """A site that had none before needs none afterwards."""
    after = [*(sample(20 + number) for number in range(20)), fresh(22, 1.0)]
    assert recovery_s([*calm(1, 9), *after], MOMENTS, HEALED_NS) is None
    assert recovery_s([*calm(1, 9), *after, fallback(27)], MOMENTS, HEALED_NS) == pytest.approx(7.01)
    without = [each for each in calm(1, 9) if kind_of(each) is not Kind.FALLBACK]
    assert recovery_s([*without, *after], MOMENTS, HEALED_NS) == 0


def test_answer_to_a_request_from_before_the_heal_is_no_recovery() -> None:
    """It was begun by a part that has failed since."""
    samples = [*calm(1, 9), fallback(21), fresh(19, 3.0), sample(39)]
    assert recovery_s(samples, MOMENTS, HEALED_NS, is_models=True) is None


def test_site_that_is_not_as_before_at_the_end_has_not_recovered() -> None:
    """However many answers came between."""
    assert recovery_s([*calm(1, 9), *calm(20, 39), lost(40)], MOMENTS, HEALED_NS) is None


def test_answer_of_the_model_is_awaited_where_it_was_away() -> None:
    """Also where it gave none in the few seconds before; elsewhere one that comes is as good as any."""
    before = [sample(at) for at in range(1, 10)] + [fallback(3)]
    after = [sample(20 + at) for at in range(20)] + [fallback(21)]
    answered = [*before, *after, fresh(27, 1.0)]
    assert recovery_s([*before, *after], MOMENTS, HEALED_NS, is_models=True) is None
    assert recovery_s(answered, MOMENTS, HEALED_NS, is_models=True) == pytest.approx(8)
    assert recovery_s(answered, MOMENTS, HEALED_NS) == pytest.approx(1.01)


def test_nothing_noticed_is_a_recovery_at_once_but_for_the_next_answers() -> None:
    """Of the model and of the fallback."""
    samples = [*calm(1, 9), *calm(20, 40)]
    assert recovery_s(samples, MOMENTS, HEALED_NS, is_models=True) == pytest.approx(0.5)
    assert recovery_s(samples, MOMENTS, HEALED_NS) == pytest.approx(0.01)


def test_failures_are_measured_by_their_length_and_their_span() -> None:
    """The slowest one, and from the first to the last one that ended: one may have been under way for long."""
    failed = [refused(9, 2.0), refused(13, 0.1), lost(14.49)]
    assert longest_failure_s([*failed, fresh(12, 9.0)]) == pytest.approx(2.0)
    assert span_s(failed) == pytest.approx(3.5)
    assert span_s([]) == 0


def test_moments_are_those_of_the_load() -> None:
    """A fault that is injected and healed at once has no time during it."""
    assert Moments(5, 5).window(sample(1)) == "after"
