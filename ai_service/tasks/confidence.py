"""How much an answer can be trusted, from 0 to 1, by a rule that looks at the answer and not at who gave it.

The confidence is the weighted mean of those terms that apply to the task:

    complete   weight 4   share of what the task asks for that is there and not only the least the schema allows
    plausible  weight 3   share of quantities that can be (`plausibility.py` has the bounds)
    distinct   weight 2   share of texts that are not repetitions (the way in which small models fail)
    coherent   weight 2   share of ingredients that the steps use
    claimed    weight 1   what the model says of itself; the least weight, since models overrate themselves

A failed check bounds it whatever the terms say, and so does one whose subject had to be computed or cannot be verified.

An answer that was cut short or does not fit its schema never gets here: it is no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ai_service.schemas import Finding

MAX_AFTER_FAILURE = 0.3
"""Confidence of an answer that cannot be true in some part; such an answer stays fresh for a short time only."""
MAX_AFTER_REPAIR = 0.6
"""Of one that contradicted itself: what was computed is right if the rest is."""
WEIGHTS = {"complete": 4, "plausible": 3, "distinct": 2, "coherent": 2, "claimed": 1}


def combine(**terms: float) -> float:
    """Return the weighted mean of the given terms, rounded to two places."""
    total = sum(WEIGHTS[name] for name in terms)
    return round(sum(WEIGHTS[name] * min(1.0, max(0.0, value)) for name, value in terms.items()) / total, 2)


def limit(score: float, findings: Iterable[Finding]) -> float:
    """Bound a confidence by what the checks of the answer found."""
    for finding in findings:
        score = min(score, MAX_AFTER_FAILURE if finding.outcome == "failed" else MAX_AFTER_REPAIR)
    return score


def share(flags: Iterable[bool]) -> float:
    """Share of true ones; 0 where there are none."""
    values = list(flags)
    return sum(values) / len(values) if values else 0.0


def distinct(texts: Collection[str]) -> float:
    """Share of texts that differ from each other, case aside."""
    return len({text.casefold() for text in texts}) / len(texts) if texts else 0.0
