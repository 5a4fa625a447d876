"""`alchemorsel test`: the three tasks for real, from the model and then from the cache."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from ai_service.cli.api import SAMPLE_REQUESTS, Api
from ai_service.cli.output import AsJson, console, errors, print_json, table

if TYPE_CHECKING:
    from ai_service.cli.api import Asked


def trial(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Request all three tasks from the model and then from the cache, with timings. Exit status 1 if one fails."""
    api = Api(ctx.obj)
    found: dict[str, tuple[Asked, Asked]] = {}
    for task in SAMPLE_REQUESTS:
        with (
            errors.status(f"{task}: waiting for the model") if errors.is_terminal and not as_json else errors.status("")
        ):
            found[task] = (api.ask(task, fresh=True), api.ask(task, fresh=False))
    wrong = {task: reason for task, asked in found.items() if (reason := _wrong(*asked))}
    if as_json:
        results = {
            t: {"computed": asdict(computed), "cached": asdict(cached)} for t, (computed, cached) in found.items()
        }
        print_json({"tasks": results, "wrong": wrong})
    else:
        rows = [
            (task, _time(computed), computed.meta.get("provider", "none"), _time(cached), cached.cache or "none",
             wrong.get(task, "ok"))
            for task, (computed, cached) in found.items()
        ]  # fmt: skip
        table(("task", "computed", "by", "cached", "Cache-Status", "verdict"), rows)
        console.print("All three tasks passed." if not wrong else f"[red]{len(wrong)} of {len(found)} failed.[/]")
    raise typer.Exit(1 if wrong else 0)


def _wrong(computed: Asked, cached: Asked) -> str:
    """Return the problem with a task's answers; "" where there is none."""
    for asked in (computed, cached):
        if asked.error:
            return f"{asked.status}: {asked.error}"
    if computed.meta.get("degraded"):
        return f"degraded: {computed.meta.get('provider')} answered"
    return "" if cached.is_hit else "the second answer did not come from the cache"


def _time(asked: Asked) -> str:
    return f"{asked.seconds:.2f} s" if asked.seconds >= 1 else f"{asked.seconds * 1000:.1f} ms"
