"""What the recording must show; one that does not is not written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tools.docs.example_deployments.summary import QUIET, Row, parse
from tools.docs.example_service.claims import Claim, ClaimError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RATE = 200
PLAYS = 20
PHASES = (QUIET, "deployment", "settings", "rollback")
MOST_P99 = 2.0
"""Of the quiet p99."""
_RATE_TOLERANCE = 0.05


def check(text: str) -> None:
    """Hold a recording against what it is for.

    Raises:
        ClaimError: Something is not to be seen; all that is not is named.
    """
    missing = [claim.says for claim in CLAIMS if not claim.holds(text)]
    if missing:
        raise ClaimError(f"the recording does not show: {'; '.join(missing)}. It says:\n{text}")


def _every(test: Callable[[Row], bool]) -> Callable[[str], bool]:
    """Build a claim on each row of a table with all phases."""

    def holds(text: str) -> bool:
        rows = parse(text)
        return [row.phase for row in rows] == list(PHASES) and all(map(test, rows))

    return holds


def _p99(rows: Sequence[Row]) -> bool:
    quiet = [row.p99 for row in rows if row.phase == QUIET]
    return len(quiet) == 1 and all(row.p99 <= MOST_P99 * quiet[0] for row in rows)


CLAIMS = (
    Claim(
        f"{PLAYS} deployments, {PLAYS} changes of settings and {PLAYS} rollbacks",
        _every(lambda row: row.plays == PLAYS or row.phase == QUIET),
    ),
    Claim(
        f"{RATE} requests/s, throughout",
        _every(lambda row: abs(row.requests / row.seconds - RATE) < _RATE_TOLERANCE * RATE),
    ),
    Claim("no request failed", _every(lambda row: row.requests > 0 and row.failed == 0)),
    Claim(
        "every answer was a hit with the bytes that were stored",
        _every(lambda row: row.hits == row.same == row.requests),
    ),
    Claim(
        f"p99 of each kind at most {MOST_P99:g} times that of the quiet site",
        lambda text: _every(lambda row: row.p99 > 0)(text) and _p99(parse(text)),
    ),
    Claim(
        "the rest of the calls, between plays, went the same way",
        lambda text: bool(re.search(r"^outside of these: \d+ requests, 0 failed, 0 no hits$", text, re.MULTILINE)),
    ),
)
