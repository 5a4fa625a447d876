"""Numbers as people read them, the same on the terminal and in the report."""

from __future__ import annotations

NOTHING = "-"


def format_ms(milliseconds: float | None) -> str:
    """Return a latency with three significant digits in the unit that reads best; a dash for none.

    Args:
        milliseconds: The latency.
    """
    if milliseconds is None:
        return NOTHING
    value, unit = (milliseconds / 1000, "s") if milliseconds >= 999.5 else (milliseconds, "ms")
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:,.{digits}f} {unit}"


def format_share(share: float | None) -> str:
    """Return a share from 0 to 1 as a percentage; a dash for none."""
    return NOTHING if share is None else f"{share:.2%}".replace(".00%", "%")


def format_rate(per_second: float | None) -> str:
    """Return a rate per second with up to three digits; a dash for none."""
    if per_second is None:
        return NOTHING
    digits = 2 if per_second < 9.995 else 1 if per_second < 99.95 else 0
    return f"{per_second:,.{digits}f}/s"


def format_ratio(ratio: float | None) -> str:
    """Return how many times faster something is; a dash for unknown."""
    if ratio is None:
        return NOTHING
    return f"{ratio:,.0f}x" if ratio >= 10 else f"{ratio:.1f}x"


def format_value(unit: str, value: float | None) -> str:
    """Return a measured value in its unit; a dash for none.

    Args:
        unit: ``ms``, ``share``, or another one, which is written behind the number: ``MB``, ``x``, ``calls``.
        value: The value, in that unit.
    """
    if unit == "ms":
        return format_ms(value)
    if unit == "share":
        return format_share(value)
    if value is None:
        return NOTHING
    digits = 0 if value >= 99.5 or value == int(value) else 2
    return f"{value:,.{digits}f} {unit.rstrip('s') if value == 1 else unit}"


def format_bound(unit: str, bound: float) -> str:
    """Return a bound without needless digits, e.g. ``100 ms``, ``5 s``, ``1%``, ``4000 MB``.

    Args:
        unit: As in `format_value`.
        bound: The bound, in that unit.
    """
    if unit == "share":
        return f"{bound * 100:g}%"
    return f"{bound / 1000:g} s" if unit == "ms" and bound >= 1000 else f"{bound:g} {unit}"


def format_threshold(selector: str, expression: str) -> str:
    """Return a threshold in a line's width, e.g. ``latency recipe hit p(95)<100``: tags by their values.

    Args:
        selector: As in slo.yml, e.g. ``latency{task:recipe,cache:hit}``.
        expression: As there.
    """
    metric, _, tags = selector.rstrip("}").partition("{")
    values = [tag.partition(":")[2].strip() for tag in tags.split(",") if tag]
    # A hit of the cached phase and a miss of the uncached one need not be told twice.
    usual = {"hit": "cached", "miss": "uncached"}
    told = [value for value in values if value not in {usual.get(other) for other in values}]
    return " ".join([metric, *told, expression])
