"""Pairs of answers of a real model: the same request and seed in both forms, the order changing from pair to pair."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import msgspec

from ai_service.providers.errors import ProviderError
from ai_service.providers.transcript import Part
from ai_service.schemas import IngredientsRequest, NutritionRequest, RecipeRequest, TaskRequest
from ai_service.tasks.ingredients import IngredientsTask
from ai_service.tasks.nutrition import NutritionTask
from ai_service.tasks.recipe import RecipeTask
from bench.errors import TargetError
from tools.perf.tokens.long_form import LongIngredients, LongNutrition, LongRecipe

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
_PARTIAL = (
    ["tomato"], ["lemon", "rice"], ["chicken", "garlic"], ["egg", "flour"], ["tofu", "ginger"], ["lentils"],
    ["potato", "leek"], ["beef"], ["apple", "cinnamon"], ["salmon", "dill"], ["chickpeas"], ["mushroom", "cream"],
)  # fmt: skip
_EATEN = (
    ["100 g rice"], ["2 egg", "100 g flour"], ["200 g chicken breast", "10 g olive oil"], ["1 banana", "100 g yogurt"],
    ["150 g lentils"], ["50 g butter", "200 g sugar"], ["300 g potato"], ["100 g salmon"], ["250 ml milk"],
    ["1 avocado", "1 tomato"], ["80 g oats", "200 ml milk"], ["100 g almonds"],
)  # fmt: skip
REQUESTS: dict[str, Sequence[TaskRequest]] = {
    "recipe": _RECIPES,
    "ingredients": [IngredientsRequest(partial=each) for each in _PARTIAL],
    "nutrition": [NutritionRequest(ingredients=each) for each in _EATEN],
}
_TASKS: dict[str, tuple[type[SchemaTask], type[SchemaTask], int]] = {
    "recipe": (LongRecipe, RecipeTask, 512),
    "ingredients": (LongIngredients, IngredientsTask, 192),
    "nutrition": (LongNutrition, NutritionTask, 160),
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
    """

    form: str
    tokens: int
    seconds: float
    first_part_s: float
    confidence: float
    failed: list[str]
    problem: str


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
    provider: OllamaProvider, name: str, recipe_tokens: int, pairs: int, tell: Callable[[str], None]
) -> list[Pair]:
    """Measure some pairs of one task."""
    tasks = tasks_of(name, recipe_tokens)
    found = []
    for number, (request, seed) in enumerate(_questions(name, pairs)):
        tell(f"{name}: pair {number + 1} of {pairs}")
        order = FORMS if number % 2 else FORMS[::-1]
        pair = {form: await _ask(provider, tasks[form], request.canonical(), form, seed) for form in order}
        found.append(pair)
    return found


def _questions(name: str, pairs: int) -> Iterator[tuple[TaskRequest, int]]:
    """Yield requests, each with a seed; the same ones in every run."""
    requests = REQUESTS[name]
    for number in range(pairs):
        yield requests[number % len(requests)], 1 + number // len(requests)


async def _ask(provider: OllamaProvider, task: SchemaTask, request: TaskRequest, form: str, seed: int) -> Asked:
    prompt = task.ask(request)
    prompt = msgspec.structs.replace(prompt, options={**prompt.options, "seed": seed})
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
    return Asked(form, completion.completion_tokens, seconds, first[0], scored.confidence, failed, "")


def read_twice(url: str, model: str, prompt: Prompt, rounds: int) -> list[tuple[float, float]]:
    """Return what reading a prompt takes, in seconds by Ollama's own count: with and without its constant part known.

    Each round reads the prompt behind a prompt of the same task, and again with a nonce in front of all of it.

    Raises:
        TargetError: Ollama does not answer.
    """
    with httpx.Client(base_url=url, timeout=300, trust_env=False) as client:
        found = []
        for number in range(rounds):
            _read(client, model, prompt, after=f" {number}")
            known = _read(client, model, prompt, after=f" again {number}")
            found.append((known, _read(client, model, prompt, before=f"{number} ")))
        return found


def _read(client: httpx.Client, model: str, prompt: Prompt, *, before: str = "", after: str = "") -> float:
    content = before + prompt.messages[0]["content"] + after
    body = {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "stream": False,
        "keep_alive": -1,
        "options": {"num_ctx": NUM_CTX, "num_predict": 1},
    }
    try:
        answer = client.post("/api/chat", json=body).raise_for_status().json()
    except httpx.HTTPError as error:
        raise TargetError(f"{client.base_url} does not answer /api/chat ({error})") from error
    return float(answer.get("prompt_eval_duration", 0)) / 1e9
