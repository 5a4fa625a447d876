"""Writes the table of the service's settings into the README (`make docs`); a test holds the two together."""

from __future__ import annotations

from pathlib import Path

from ai_service.settings import Settings

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- settings: made from ai_service/settings.py by `make docs` -->\n"
END = "<!-- /settings -->\n"


def settings_table() -> str:
    """One row a setting: variable, default, meaning."""
    rows = [f"| `{knob.variable}` | `{knob.default or ' '}` | {knob.meaning} |" for knob in Settings.knobs().values()]
    return "\n".join(["| Variable | Default | Meaning |", "|---|---|---|", *rows]).replace("` `", "unset") + "\n"


def with_table(text: str) -> str:
    """The README's text with today's table between its two markers.

    Raises:
        ValueError: a marker is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md lost a marker of the settings table: {BEGIN.strip()} ... {END.strip()}")
    return before + BEGIN + settings_table() + END + after


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
