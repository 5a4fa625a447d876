"""From the text of a setting to its value."""

import pytest

from ai_service.config import parsers


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("1.5m", 90), ("2h", 7200)])
def test_durations_have_a_unit(text: str, seconds: float) -> None:
    """All durations are seconds inside."""
    assert parsers.duration(text) == seconds


@pytest.mark.parametrize("text", ["30", "s", "-1s", "0s", "1d", "1s ", "nan s", "1h30m"])
def test_anything_else_is_no_duration(text: str) -> None:
    """A number without a unit in particular: seconds and milliseconds are too easily mixed up."""
    with pytest.raises(ValueError, match="500ms, 30s, 2m or 1h"):
        parsers.duration(text)
