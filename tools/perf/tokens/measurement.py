"""Pairs of answers of a real model: the same request and seed in both forms, the order changing from pair to pair."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from ai_service.providers.errors import ProviderError
from ai_service.providers.transcript import Part
from ai_service.schemas import RecipeRequest, TaskRequest
from ai_service.tasks.ingredient_line import ingredient_of
from ai_service.tasks.recipe import RecipeTask
from bench.errors import TargetError
from tools.perf.tokens.long_form import LongRecipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ai_service.providers.base import Prompt
    from ai_service.providers.ollama import OllamaProvider
    from ai_service.tasks import SchemaTask

NUM_CTX = 4096
FORMS = ("long", "short")

_RECIPES = (
    RecipeRequest(prompt="lentil soup"),
    RecipeRequest(prompt="a quick tomato pasta", serving_size=2),
    RecipeRequest(prompt="chicken curry with rice", cuisine="Indian"),
    RecipeRequest(prompt="vegetable stir fry", dietary=["vegan"], cooking_time=20),
    RecipeRequest(prompt="pancakes for breakfast", serving_size=4),
    RecipeRequest(prompt="greek salad", max_calories=400),
    RecipeRequest(prompt="beef stew", skill_level="beginner"),
    RecipeRequest(prompt="mushroom risotto", avoid_ingredients=["onion"]),
    RecipeRequest(prompt="chocolate cake", serving_size=8),
    RecipeRequest(prompt="fish tacos", cuisine="Mexican"),
    RecipeRequest(prompt="potato and leek gratin", equipment=["oven"]),
    RecipeRequest(prompt="chickpea salad with lemon", dietary=["vegetarian"], serving_size=3),
)
REQUESTS: dict[str, Sequence[TaskRequest]] = {
    "recipe": _RECIPES,
}
_TASKS: dict[str, tuple[type[SchemaTask], type[SchemaTask], int]] = {
    "recipe": (LongRecipe, RecipeTask, 512),
}


class Asked(msgspec.Struct, frozen=True):
    """One answer.

    Attributes:
        form: `long` or `short`.
        tokens: Written by the model; 0 where it was cut or broken off.
        seconds: To the last token.
        first_part_s: To the first part that callers can read; 0 where there was none.
        confidence: By the service's rule; 0 for no answer.
        failed: Names of checks that the answer did not pass.
        problem: Why it is no answer; "" where it is one.
        text: What the model wrote; "" for no answer.
    """

    form: str
    tokens: int
    seconds: float
    first_part_s: float
    confidence: float
    failed: list[str]
    problem: str
    text: str = ""


Pair = dict[str, Asked]
"""By form."""


def tasks_of(name: str, recipe_tokens: int) -> dict[str, SchemaTask]:
    """Return a task in both forms.

    Args:
        name: The task's.
        recipe_tokens: Token budget of a recipe; from 768 on it has nutrients.
    """
    *kinds, budget = _TASKS[name]
    tokens = recipe_tokens if name == "recipe" else budget
    return {form: kind(ttl_s=1, max_tokens=tokens, num_ctx=NUM_CTX) for form, kind in zip(FORMS, kinds, strict=True)}


async def measure(
    provider: OllamaProvider,
    name: str,
    *,
    recipe_tokens: int,
    pairs: int,
    temperature: float,
    done: Callable[[str], None],
) -> list[Pair]:
    """Measure some pairs of one task.

    Args:
        provider: A real model.
        name: The task's.
        recipe_tokens: Token budget of a recipe.
        pairs: How many.
        temperature: Of both; at 0 no luck is in a pair.
        done: Is given a line about each pair.
    """
    tasks = tasks_of(name, recipe_tokens)
    found = []
    for number, (request, seed) in enumerate(_questions(name, pairs)):
        order = FORMS if number % 2 else FORMS[::-1]
        pair = {
            form: await _ask(provider, tasks[form], request.canonical(), form, seed=seed, temperature=temperature)
            for form in order
        }
        found.append(pair)
        told = ", ".join(f"{form} {pair[form].tokens} tokens, {pair[form].confidence}" for form in FORMS)
        done(f"{name}: pair {number + 1} of {pairs}: {told}")
    return found


def _questions(name: str, pairs: int) -> Iterator[tuple[TaskRequest, int]]:
    """Yield requests, each with a seed; the same ones in every run."""
    requests = REQUESTS[name]
    for number in range(pairs):
        yield requests[number % len(requests)], 1 + number // len(requests)


async def _ask(
    provider: OllamaProvider, task: SchemaTask, request: TaskRequest, form: str, *, seed: int, temperature: float
) -> Asked:
    prompt = task.ask(request)
    prompt = msgspec.structs.replace(prompt, options={"temperature": temperature, "seed": seed})
    preview = task.preview()
    first: list[float] = []
    started = time.perf_counter()

    def hear(text: str) -> None:
        if any(isinstance(piece, Part) for piece in preview.read(text)):
            first.append(time.perf_counter() - started)

    try:
        completion = await provider.complete(prompt, hear)
        seconds = time.perf_counter() - started
        scored = task.judge(completion, request)
    except ProviderError as error:
        seconds = time.perf_counter() - started
        return Asked(form, 0, seconds, first[0] if first else 0.0, 0.0, [], f"{error.outcome}: {error}"[:200])
    failed = [finding.check for finding in scored.findings]
    return Asked(form, completion.completion_tokens, seconds, first[0], scored.confidence, failed, "", completion.text)


def in_both_forms(text: str) -> dict[str, str]:
    """Return a recipe that a model wrote in either form in both, in compact JSON."""
    data = msgspec.json.decode(text)
    items = [msgspec.to_builtins(ingredient_of(each)) for each in data["ingredients"]]
    for item in items:
        item["amount"] = int(item["amount"]) if item["amount"].is_integer() else item["amount"]
    lines = [f"{item['amount']} {item['unit']} {item['name']}" for item in items]
    nutrition = {"nutrition": data["nutrition"]} if "nutrition" in data else {}
    first = {name: data[name] for name in ("title", "description")}
    steps, tags, claim = ({name: data[name]} for name in ("instructions", "tags", "confidence"))
    long = {**first, "ingredients": items, **steps, **tags, **nutrition, **claim}
    short = {**first, "ingredients": lines, **steps, **claim, **tags, **nutrition}
    return {form: msgspec.json.encode(each).decode() for form, each in zip(FORMS, (long, short), strict=True)}


def count_retold(url: str, model: str, pairs: Sequence[Pair]) -> list[tuple[int, int]]:
    """Return the tokens of each recipe of some pairs in the long and in the short form, by the model's tokenizer.

    Raises:
        TargetError: Ollama does not answer.
    """
    texts = [pair[form].text for pair in pairs for form in FORMS if pair[form].text]
    with httpx.Client(base_url=url, timeout=300, trust_env=False) as client:
        around = _read(client, model, "{")["prompt_eval_count"] - 1
        counts = [
            [_read(client, model, each)["prompt_eval_count"] - around for each in in_both_forms(text).values()]
            for text in texts
        ]
    return [(long, short) for long, short in counts]


def read_twice(url: str, model: str, prompt: Prompt, rounds: int) -> list[tuple[float, float]]:
    """Return what reading a prompt takes, in seconds by Ollama's own count: with and without its constant part known.

    Each round reads the prompt behind a prompt of the same task, and again with a nonce in front of all of it.

    Raises:
        TargetError: Ollama does not answer.
    """
    with httpx.Client(base_url=url, timeout=300, trust_env=False) as client:
        found = []
        for number in range(rounds):
            content = prompt.messages[0]["content"]
            _read(client, model, f"{content} {number}")
            known, unknown = (
                float(_read(client, model, each)["prompt_eval_duration"]) / 1e9
                for each in (f"{content} again {number}", f"{number} {content}")
            )
            found.append((known, unknown))
        return found


def _read(client: httpx.Client, model: str, content: str) -> dict[str, Any]:
    """Have a prompt read; return what Ollama says of that."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "stream": False,
        "keep_alive": -1,
        "options": {"num_ctx": NUM_CTX, "num_predict": 1},
    }
    try:
        answer: dict[str, Any] = client.post("/api/chat", json=body).raise_for_status().json()
    except httpx.HTTPError as error:
        raise TargetError(f"{client.base_url} does not answer /api/chat ({error})") from error
    return answer
