"""What the pairs say."""

from tools.perf.tokens.measurement import Asked, Pair
from tools.perf.tokens.table import rows_of


def asked(form: str, tokens: int, *, confidence: float = 0.9, problem: str = "") -> Asked:
    """Return an answer, or none where there is a problem."""
    return Asked(
        form, tokens, tokens / 10, 0.5, 0.0 if problem else confidence, [] if confidence > 0.3 else ["amount"], problem
    )


def pair(long: int, short: int, *, problem: str = "") -> Pair:
    """Return a pair whose short one may be broken."""
    return {"long": asked("long", long), "short": asked("short", short, confidence=0.3, problem=problem)}


def test_a_broken_answer_saves_no_tokens_and_counts_against_its_form() -> None:
    """Or a form would look the better the more of it breaks off."""
    rows = {
        row.figure: row for row in rows_of("recipe", [pair(200, 150), pair(100, 75), pair(100, 0, problem="invalid")])
    }
    assert rows["recipe: tokens, median"][1:] == ("150", "112.5", "0.75 (0.75-0.75)")
    assert rows["recipe: answers of 3"][1:3] == ("3", "2")
    assert rows["recipe: mean confidence"][1:3] == ("0.90", "0.20")
    assert rows["recipe: checks not passed"][1:3] == ("0", "3")


def test_without_a_whole_pair_there_is_no_ratio() -> None:
    """Only what is known is shown."""
    rows = rows_of("recipe", [pair(100, 0, problem="invalid")])
    assert not any(row.ratio for row in rows)
