"""Writes the tables of settings into docs/settings.md (`make docs`); a test holds them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.cli.site import Site
from ai_service.config import environment
from ai_service.config.settings import Settings
from ai_service.web.settings import WebSettings
from lab.paths import ROOT

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PAGE = ROOT / "docs" / "settings.md"
TABLES: dict[str, type[DataclassInstance]] = {
    "ai_service/config/settings.py": Settings,
    "ai_service/web/settings.py": WebSettings,
    "ai_service/cli/site.py": Site,
}
END = "<!-- /settings -->\n"


def settings_table(settings: type[DataclassInstance]) -> str:
    """One row a setting: variable, default, meaning."""
    rows = [
        f"| `{setting.variable}` | `{setting.default or ' '}` | {setting.meaning}"
        + (f"; deprecated alias: `{setting.former}` |" if setting.former else " |")
        for setting in environment.of(settings).values()
    ]
    return "\n".join(["| Variable | Default | Meaning |", "|---|---|---|", *rows]).replace("` `", "unset") + "\n"


def with_tables(text: str) -> str:
    """Return the page's text with the current tables, each between its two markers.

    Raises:
        ValueError: a marker is missing.
    """
    for module, settings in TABLES.items():
        begin = f"<!-- settings: made from {module} by `make docs` -->\n"
        before, found, rest = text.partition(begin)
        _, end, after = rest.partition(END)
        if not found or not end:
            raise ValueError(f"docs/settings.md lost a marker of a table: {begin.strip()} ... {END.strip()}")
        text = before + begin + settings_table(settings) + END + after
    return text


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
