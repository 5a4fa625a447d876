"""`alchemorsel ask recipe | ingredients | nutrition | chat`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.live import Live
from rich.text import Text

from ai_service.cli import completion
from ai_service.cli.answer_text import lines_of, so_far
from ai_service.cli.api import SAMPLE_REQUESTS, Api
from ai_service.cli.command_group import CommandGroup
from ai_service.cli.errors import CliError
from ai_service.cli.output import AsJson, console, errors, print_json
from ai_service.cli.question import Origin, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ai_service.cli.event_stream import Event

CHAT = "/v1/chat/completions"
MAX_INPUT_CHARACTERS = 1_000_000
DONE = "[DONE]"

app = typer.Typer(
    cls=CommandGroup,
    help="Ask for a recipe, ingredients, nutrition or a chat answer; it is shown while it is written.",
)

Words = Annotated[list[str] | None, typer.Argument(help="The text; without any, standard input.", show_default=False)]
Items = Annotated[list[str], typer.Argument(help='One each, quoted where it has spaces: "2 eggs"', show_default=False)]
Fresh = Annotated[bool, typer.Option("--fresh", help="Do not answer from the cache.")]
Several = typer.Option(help="May be given several times.", show_default=False)


@app.command()
def recipe(
    ctx: typer.Context,
    prompt: Words = None,
    *,
    max_calories: Annotated[int | None, typer.Option(help="In kcal per serving.", show_default=False)] = None,
    dietary: Annotated[list[str] | None, Several] = None,
    cuisine: Annotated[str | None, typer.Option(show_default=False)] = None,
    serving_size: Annotated[int | None, typer.Option(help="Number of servings.", show_default=False)] = None,
    cooking_time: Annotated[int | None, typer.Option(help="In minutes.", show_default=False)] = None,
    skill_level: Annotated[str | None, typer.Option(show_default=False)] = None,
    equipment: Annotated[list[str] | None, Several] = None,
    avoid: Annotated[
        list[str] | None,
        typer.Option(help="Ingredient to avoid. May be given several times.", show_default=False),
    ] = None,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> None:
    """Ask for a recipe: alchemorsel ask recipe quick lentil soup --max-calories 500."""
    body = {
        "prompt": _text(prompt),
        "max_calories": max_calories,
        "dietary": dietary,
        "cuisine": cuisine,
        "serving_size": serving_size,
        "cooking_time": cooking_time,
        "skill_level": skill_level,
        "equipment": equipment,
        "avoid_ingredients": avoid,
    }
    given = {name: value for name, value in body.items() if value is not None and value != []}
    _ask_task(ctx, "recipe", given, fresh=fresh, as_json=as_json)


@app.command()
def ingredients(ctx: typer.Context, known: Items, fresh: Fresh = False, as_json: AsJson = False) -> None:
    """Ask what goes with ingredients: alchemorsel ask ingredients tomatoes basil."""
    _ask_task(ctx, "ingredients", {"partial": known}, fresh=fresh, as_json=as_json)


@app.command()
def nutrition(ctx: typer.Context, eaten: Items, fresh: Fresh = False, as_json: AsJson = False) -> None:
    """Ask for the nutrients of ingredients: alchemorsel ask nutrition "2 eggs" "100 g spinach"."""
    _ask_task(ctx, "nutrition", {"ingredients": eaten}, fresh=fresh, as_json=as_json)


@app.command()
def chat(
    ctx: typer.Context,
    text: Words = None,
    *,
    model: Annotated[
        str, typer.Option(help="Default: the service's own.", autocompletion=completion.models, show_default=False)
    ] = "",
    system: Annotated[str, typer.Option(help="System message.", show_default=False)] = "",
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Of the answer.", show_default=False)] = None,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> None:
    """Ask the model itself: alchemorsel ask chat name a herb."""
    messages = [{"role": "system", "content": system}] if system else []
    messages += [{"role": "user", "content": _text(text)}]
    api = Api(ctx.obj)
    body: dict[str, Any] = {"model": model or api.default_model(), "messages": messages}
    question = api.question(CHAT, body | ({"max_tokens": max_tokens} if max_tokens else {}), fresh=fresh)
    if as_json:
        print_json(question.whole())
        return
    with question.stream({"stream": True, "stream_options": {"include_usage": True}}) as events:
        finish = _print_chunks(events, question.origin)
    if finish == "length":
        errors.print("[yellow]![/] The answer was cut off at its token limit; --max-tokens sets another one.")
    _show_origin(question.origin)


def _print_chunks(events: Iterable[Event], origin: Origin) -> str:
    """Print the text of a chat answer as it comes; returns why it ended."""
    finish = ""
    try:
        for chunk in _chunks(events):
            if usage := chunk.get("usage"):
                origin.tokens = usage.get("completion_tokens", 0)
            for choice in chunk.get("choices", []):
                finish = choice.get("finish_reason") or finish
                sys.stdout.write(choice["delta"].get("content") or "")
                sys.stdout.flush()
    finally:
        sys.stdout.write("\n")
    return finish


def _chunks(events: Iterable[Event]) -> Iterable[dict[str, Any]]:
    """Return the chunks of a chat stream.

    Raises:
        CliError: The stream ends with an error, or too early.
    """
    for event in events:
        if event.data == DONE:
            return
        chunk: dict[str, Any] = json.loads(event.data)
        if "error" in chunk:
            raise refusal(0, chunk)
        yield chunk
    raise CliError("The answer broke off.", hint="`alchemorsel logs api` shows why.")


def _ask_task(ctx: typer.Context, task: str, body: dict[str, Any], *, fresh: bool, as_json: bool) -> None:
    question = Api(ctx.obj).question(SAMPLE_REQUESTS[task][0], body, fresh=fresh)
    if as_json:
        print_json(question.whole())
        return
    with question.stream({}) as events:
        answer = _follow(events)
    question.origin.read_meta(answer["meta"])
    console.print("\n".join(lines_of(answer["data"])), markup=False, soft_wrap=not console.is_terminal)
    _show_origin(question.origin)


def _follow(events: Iterable[Event]) -> dict[str, Any]:
    """Show an answer on a terminal while it is written.

    Returns:
        The checked answer, in its envelope.

    Raises:
        CliError: The stream ends without one.
    """
    written = ""
    waiting = Text("waiting for the model ...", style="dim")
    with Live(waiting, console=console, transient=True, auto_refresh=False) as live:
        live.refresh()
        for event in events:
            match event.name:
                case "delta":
                    written += json.loads(event.data)["text"]
                    if console.is_terminal:
                        live.update(_end_of(lines_of(so_far(written))) or waiting, refresh=True)
                case "restart":
                    written = ""
                    live.update(Text("not a valid answer: asking once more ...", style="dim"), refresh=True)
                case "error":
                    raise refusal(0, json.loads(event.data))
                case "answer":
                    answer: dict[str, Any] = json.loads(event.data)
                    return answer
    raise CliError("The answer broke off.", hint="`alchemorsel logs api` shows why.")


def _end_of(lines: list[str]) -> Text:
    """Return as many of the last lines as the terminal shows."""
    wrapped = Text("\n".join(lines)).wrap(console, console.width)
    return Text("\n").join(wrapped[-(console.height - 1) :])


def _text(words: list[str] | None) -> str:
    """Return the text of the command line, or of standard input."""
    if words and words != ["-"]:
        return " ".join(words)
    if sys.stdin.isatty() and not words:
        raise typer.BadParameter("No text is given.", param_hint="text")
    text = sys.stdin.read(MAX_INPUT_CHARACTERS).strip()
    if not text:
        raise typer.BadParameter("Standard input is empty.", param_hint="text")
    return text


def _show_origin(origin: Origin) -> None:
    """Print on standard error where the answer came from."""
    for warning in origin.warnings:
        errors.print(f"[yellow]![/] {_plain(warning)}", soft_wrap=True)
    if origin.degraded:
        errors.print(f"[yellow]![/] Fallback answer: {_plain(origin.degraded)}", soft_wrap=True)
    came = [f"{origin.provider}, {origin.model}" if origin.provider else origin.model]
    if origin.is_hit:
        came.append(f"from the cache, {origin.age or 0} s old, in {origin.seconds * 1000:.0f} ms")
    else:
        came.append(f"computed in {origin.seconds:.1f} s, first text after {origin.first_s:.1f} s")
        if origin.tokens and (writing := origin.seconds - origin.first_s) > 0:
            came.append(f"{origin.tokens} tokens, {origin.tokens / writing:.0f} a second")
    if origin.confidence is not None:
        came.append(f"confidence {origin.confidence:.2f}")
    errors.print(f"[dim]{_plain(' · '.join(came))}[/]", soft_wrap=True)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
