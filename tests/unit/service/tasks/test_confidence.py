"""The rule behind `confidence`."""

from typing import Any

import pytest

from ai_service.schemas import Finding
from ai_service.tasks import confidence


def test_the_terms_are_weighted_over_those_that_apply() -> None:
    """A task without a claim is not punished for it."""
    assert confidence.combine(complete=1.0, plausible=0.0) == 0.57
    assert confidence.combine(complete=1.0, plausible=1.0, distinct=1.0, claimed=0.0) == 0.9
    assert confidence.combine(complete=1.0) == 1.0


def test_a_boast_does_not_help() -> None:
    """A model that claims 500 % counts as one that claims 100 %."""
    assert confidence.combine(complete=0.5, claimed=5.0) == confidence.combine(complete=0.5, claimed=1.0)


@pytest.mark.parametrize(("texts", "expected"), [(["a", "b"], 1.0), (["a", "A"], 0.5), (["a"] * 4, 0.25), ([], 0.0)])
def test_repetition_lowers_it(texts: list[str], expected: float) -> None:
    """Small models fail by repeating themselves."""
    assert confidence.distinct(texts) == expected


@pytest.mark.parametrize(
    ("outcomes", "limited"),
    [([], 0.9), (["repaired"], 0.6), (["unverified"], 0.6), (["failed"], 0.3), (["repaired", "failed"], 0.3)],
)
def test_findings_bound_the_confidence(outcomes: list[Any], limited: float) -> None:
    """The worst of them does."""
    assert confidence.limit(0.9, [Finding("energy", "$", "Wrong.", outcome) for outcome in outcomes]) == limited
    assert confidence.limit(0.1, [Finding("energy", "$", "Wrong.", outcome) for outcome in outcomes]) == 0.1
