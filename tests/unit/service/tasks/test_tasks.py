"""Prompts, schemas, keys, and what counts as an answer."""

import json
import re
from typing import Any

import jsonschema
import msgspec
import pytest

from ai_service.config.settings import Settings
from ai_service.providers.base import Completion
from ai_service.providers.errors import InvalidAnswer
from ai_service.schemas import Nutrition, NutritionRequest, Recipe, RecipeRequest, Suggestions, TaskRequest
from ai_service.tasks import Scored, Task, build_tasks
from tests.unit.service.fakes import ANSWERS, BODIES, NUTRITION, RECIPE, SUGGESTIONS

LINES = ["200 g pasta", "3 piece tomato", "2 tbsp olive oil", "1 pinch salt"]
TASKS = {task.name: task for task in build_tasks(Settings.from_env({}))}


def request_of(task: Task) -> TaskRequest:
    """Build a small request for a task."""
    return msgspec.convert(BODIES[task.path], task.request_type).canonical()


def judge(name: str, answer: dict[str, Any]) -> Scored:
    """Return a task's judgement of an answer."""
    return TASKS[name].judge(Completion(json.dumps(answer)), request_of(TASKS[name]))


def walk(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a schema and all schemas inside it."""
    inner = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return [schema, *(found for child in inner for found in walk(child))]


@pytest.mark.parametrize("name", TASKS)
def test_every_list_and_text_of_a_schema_is_bounded(name: str) -> None:
    """Else a small model repeats itself until its budget ends, and the answer is cut short."""
    for schema in walk(TASKS[name].schema):
        if schema["type"] == "array":
            assert 1 <= schema["minItems"] <= schema["maxItems"] <= 20
        if "pattern" in schema:
            assert re.fullmatch(r"\^[^*+]+\$", schema["pattern"])
            assert not re.search(r"\{\d+,\}", schema["pattern"])
        elif schema["type"] == "string":
            assert schema["maxLength"] <= 160
        if schema["type"] == "object":
            assert schema["required"] == list(schema["properties"])


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("budget", ["400", "512", "1024", "4096"])
def test_the_example_in_a_prompt_fits_the_schema(name: str, budget: str) -> None:
    """A model that copies its form must not be led astray."""
    environ = {
        "ALCHEMORSEL_RECIPE_MAX_TOKENS": budget,
        "ALCHEMORSEL_INGREDIENTS_MAX_TOKENS": budget,
        "ALCHEMORSEL_NUTRITION_MAX_TOKENS": budget,
    }
    task = {task.name: task for task in build_tasks(Settings.from_env(environ))}[name]
    example = next(line for line in task.prompt(request_of(task)).splitlines() if line.startswith("JSON: {"))
    jsonschema.validate(json.loads(example.removeprefix("JSON: ")), task.schema)
    task.judge(Completion(example.removeprefix("JSON: ")), request_of(task))


@pytest.mark.parametrize("budget", [400, 512, 1024, 2048])
def test_the_largest_recipe_that_the_schema_allows_fits_the_budget(budget: int) -> None:
    """At four characters a token, which is what models need for English text in JSON."""
    task = build_tasks(Settings.from_env({"ALCHEMORSEL_RECIPE_MAX_TOKENS": str(budget)}))[0]
    properties = task.schema["properties"]
    largest = {
        "title": "x" * 60,
        "description": "x" * 120,
        "ingredients": [{"name": "x" * 40, "amount": 1000, "unit": "piece"}] * properties["ingredients"]["maxItems"],
        "instructions": ["x" * 160] * properties["instructions"]["maxItems"],
        "tags": ["x" * 20] * 4,
        "confidence": 100,
    }
    if "nutrition" in properties:
        largest["nutrition"] = NUTRITION
    assert len(json.dumps(largest, separators=(",", ":"))) / 4 <= budget


def test_a_prompt_says_every_wish() -> None:
    """What is in the key and not in the prompt would split the cache for nothing."""
    request = RecipeRequest(
        prompt="stew",
        max_calories=701,
        dietary=["vegan"],
        cuisine="thai",
        serving_size=7,
        cooking_time=43,
        skill_level="beginner",
        equipment=["wok"],
        avoid_ingredients=["peanuts"],
    )
    wishes = TASKS["recipe"].prompt(request).splitlines()[-2]
    for wish in ("stew", "701", "vegan", "thai", "7", "43", "beginner", "wok", "peanuts"):
        assert wish in wishes


def test_budget_and_context_are_part_of_the_digest() -> None:
    """Another budget may give another answer; the old one must not be found."""
    request = request_of(TASKS["recipe"])
    digests = {
        build_tasks(Settings.from_env(environ))[0].digest(request)
        for environ in ({}, {"ALCHEMORSEL_RECIPE_MAX_TOKENS": "512"}, {"ALCHEMORSEL_OLLAMA_NUM_CTX": "2048"})
    }
    assert len(digests) == 3
    assert all(len(digest) == 32 for digest in digests)


def test_a_good_recipe_becomes_the_contracts_recipe() -> None:
    """With the computed confidence, not the claimed one."""
    recipe, score, findings, _ = judge("recipe", RECIPE)
    assert isinstance(recipe, Recipe)
    assert recipe.title == "Tomato Pasta"
    assert recipe.confidence == score == 0.94
    assert findings == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"nutrition": NUTRITION}, 0.94),
        ({"instructions": ["Preheat.", "Mix it.", "Bake it.", "Serve."]}, 0.82),
        ({"instructions": ["Stir."] * 4}, 0.75),
    ],
)
def test_what_nobody_would_cook_lowers_a_recipes_confidence(change: dict[str, Any], expected: float) -> None:
    """Steps that are about something else, and repetition."""
    assert judge("recipe", {**RECIPE, **change}).confidence == expected


@pytest.mark.parametrize(
    ("change", "check", "field"),
    [
        (
            {"ingredients": [*RECIPE["ingredients"][:3], {"name": "parsley", "amount": 200, "unit": "tbsp"}]},
            "amount",
            "$.ingredients[3].amount",
        ),
        (
            {"ingredients": [{"name": "salt", "amount": 0, "unit": "pinch"}, *RECIPE["ingredients"][:3]]},
            "amount",
            "$.ingredients[0].amount",
        ),
        ({"nutrition": {**NUTRITION, "sugar": 90}}, "sugar", "$.nutrition.sugar"),
        ({"nutrition": {**NUTRITION, "sodium": 30_000}}, "serving", "$.nutrition.sodium"),
    ],
)
def test_a_recipe_that_cannot_be_is_not_trusted(change: dict[str, Any], check: str, field: str) -> None:
    """However good the rest of it is; the failed check has a name and a place."""
    recipe, score, (finding,), _ = judge("recipe", {**RECIPE, **change})
    assert isinstance(recipe, Recipe)
    assert recipe.confidence == score <= 0.3
    assert (finding.check, finding.field, finding.outcome) == (check, field, "failed")


def test_a_recipes_energy_is_computed_where_it_contradicts_its_macronutrients() -> None:
    """In place, and said so."""
    recipe, score, (finding,), _ = judge("recipe", {**RECIPE, "nutrition": {**NUTRITION, "calories": 4000}})
    assert isinstance(recipe, Recipe)
    assert recipe.nutrition is not None
    assert recipe.nutrition.calories == 429
    assert (finding.check, finding.field, finding.outcome) == ("energy", "$.nutrition.calories", "repaired")
    assert 0.3 < score <= 0.6


def test_nutrients_are_checked_against_what_was_asked() -> None:
    """66 kcal beside macronutrients of 222 kcal, and more nutrients than the ingredients weigh."""
    task = TASKS["nutrition"]
    text = json.dumps({**NUTRITION, "calories": 66, "protein": 15, "carbs": 9, "fat": 14})
    repaired = task.judge(Completion(text), NutritionRequest(ingredients=["100 g spinach", "2 eggs"]))
    assert isinstance(repaired.data, Nutrition)
    assert repaired.data.calories == 222
    impossible = task.judge(Completion(text), NutritionRequest(ingredients=["20 g spinach"]))
    assert impossible.confidence <= 0.3
    assert [finding.check for finding in impossible.findings] == ["energy", "mass"]


def test_amounts_are_judged_by_the_servings_that_were_asked_for() -> None:
    """Two kilograms of pasta are for many."""
    task = TASKS["recipe"]
    text = json.dumps({**RECIPE, "ingredients": [{"name": "pasta", "amount": 2, "unit": "kg"}] * 4})
    few, many = (
        task.judge(Completion(text), RecipeRequest(prompt="pasta", serving_size=servings)).confidence
        for servings in (1, 20)
    )
    assert few < many


def test_repeated_suggestions_and_given_ingredients_are_left_out() -> None:
    """Nobody needs to be told what is there already; the confidence says how much was left out."""
    suggestions, score, *_ = judge("ingredients", {"suggestions": ["Basil", "basil", " Tomato", "garlic"]})
    assert suggestions == Suggestions(suggestions=["basil", "garlic"])
    assert score == 0.5


def test_nutrients_become_the_contracts_nutrition() -> None:
    """All seven."""
    assert judge("nutrition", NUTRITION)[:3] == (Nutrition(**{k: float(v) for k, v in NUTRITION.items()}), 1.0, [])


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("recipe", {**RECIPE, "title": " "}),
        ("recipe", {**RECIPE, "instructions": ["", " "]}),
        ("recipe", {**RECIPE, "ingredients": []}),
        ("recipe", {**RECIPE, "ingredients": [{"name": "salt", "amount": -1, "unit": "g"}]}),
        ("recipe", {**RECIPE, "ingredients": [{"name": "", "amount": 1, "unit": "g"}]}),
        ("recipe", {**RECIPE, "ingredients": ["salt to taste"]}),
        ("recipe", {**RECIPE, "ingredients": [200]}),
        ("recipe", {**RECIPE, "ingredients": [{"name": "salt", "amount": "1", "unit": "g"}]}),
        ("recipe", {**RECIPE, "nutrition": {**NUTRITION, "fat": -1}}),
        ("recipe", {"title": "x"}),
        ("ingredients", {"suggestions": ["tomato", " "]}),
        ("ingredients", {"suggestions": []}),
        ("ingredients", SUGGESTIONS["suggestions"]),
        ("nutrition", {**NUTRITION, "calories": -1}),
        ("nutrition", {**NUTRITION, "sodium": 10**6}),
        ("nutrition", {k: v for k, v in NUTRITION.items() if k != "fiber"}),
    ],
)
def test_what_says_nothing_or_cannot_be_is_no_answer(name: str, answer: dict[str, Any]) -> None:
    """It is asked for again, and never stored."""
    with pytest.raises(InvalidAnswer):
        judge(name, answer)


@pytest.mark.parametrize("text", ["", "{", "null", "I am sorry", "[" * 100_000, '{"calories": 1e999}', "\ud800"])
@pytest.mark.parametrize("name", TASKS)
def test_garbage_is_no_answer(name: str, text: str) -> None:
    """Whatever a model writes, it never gets further than here."""
    with pytest.raises(InvalidAnswer):
        TASKS[name].judge(Completion(text), request_of(TASKS[name]))


@pytest.mark.parametrize("name", TASKS)
def test_the_good_answers_fit_the_schemas(name: str) -> None:
    """The tests' answers are what a model could write."""
    answer = {"recipe": {**RECIPE, "ingredients": LINES}}.get(name, ANSWERS[name])
    jsonschema.validate(answer, {**TASKS[name].schema, "required": list(answer)})


def test_lines_become_the_contracts_ingredients() -> None:
    """Whichever of both forms a model writes, callers get the same."""
    assert judge("recipe", {**RECIPE, "ingredients": LINES}) == judge("recipe", RECIPE)


@pytest.mark.parametrize("name", TASKS)
def test_what_does_not_change_comes_first_in_a_prompt(name: str) -> None:
    """Byte for byte and most of it, so that the server has read it already."""
    task = TASKS[name]
    long = {"prompt": "x" * 50, "serving_size": 3, "partial": ["y" * 50], "ingredients": ["1 g " + "z" * 50]}
    other = {field: value for field, value in long.items() if field in task.request_type.__struct_fields__}
    one, two = task.prompt(request_of(task)), task.prompt(msgspec.convert(other, task.request_type))
    constant = one[: one.rindex("\n", 0, one.rindex("\n")) + 1]
    assert two.startswith(constant)
    assert len(constant) > 0.8 * len(one)
