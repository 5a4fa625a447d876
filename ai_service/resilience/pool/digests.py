"""Which digest a model has, where its servers do not agree."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ai_service.resilience.pool.report import PoolProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ai_service.resilience.pool.served_model import ServedModel


def choose_digest(seen: Sequence[ServedModel], *, expected: str, current: str) -> str:
    """Return the digest to use; "" where nobody was seen.

    Without an expected one it is that of most servers. Where as many have another, it is the one in use, and else the
    first in the alphabet, so that all processes choose the same.

    Args:
        seen: Servers that have the model.
        expected: What the configuration says; "" for nothing.
        current: What was chosen before; "" for nothing.
    """
    if expected:
        return expected
    if not seen:
        return current
    counted = Counter(served.digest for served in seen)
    most = max(counted.values())
    leading = sorted(digest for digest, count in counted.items() if count == most)
    return current if current in leading else leading[0]


def digest_problem(model: str, seen: Sequence[ServedModel], *, expected: str, chosen: str) -> PoolProblem | None:
    """Return the problem of servers whose digest is not the chosen one; None where there is none."""
    others = [served for served in seen if served.digest != chosen]
    if not others:
        return None
    named = ", ".join(f"{served.server.url} has {served.digest}" for served in others)
    if expected:
        return PoolProblem("digest_mismatch", model, f"expected {expected}, but {named}: not asked for this model")
    return PoolProblem(
        "digests_differ",
        model,
        f"{named}, the others have {chosen}: not asked for this model. Pull the same model everywhere, or set its"
        " digest under digests of ALCHEMORSEL_OLLAMA_SERVERS",
    )
