"""The templates of the pages, with the filters that write figures as people read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bench.report.formats import format_ms, format_rate, format_ratio, format_share, format_threshold, format_value

if TYPE_CHECKING:
    from bench.report.svg import Drawing

_HERE = Path(__file__).parent


def fill(template: str, **values: object) -> str:
    """Return a page as one HTML document without any outside reference.

    Args:
        template: Name of the template's file.
        values: What it shows.
    """
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(ms=format_ms, rate=format_rate, ratio=format_ratio, share=format_share)
    environment.filters["value"] = lambda value, unit: format_value(unit, value)
    environment.filters["threshold"] = lambda bound: format_threshold(bound.selector, bound.expression)
    style = Markup((_HERE / "style.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return environment.get_template(template).render(style=style, **values)


def as_markup(drawing: Drawing) -> Markup:
    """Return a drawing as a template takes it."""
    return Markup(str(drawing))  # noqa: S704 - ElementTree has escaped it
