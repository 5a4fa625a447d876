"""Answers as lines for people."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ai_service.cli.answer_text import lines_of, so_far
from tests.unit.service.fakes import NUTRITION, RECIPE, SUGGESTIONS

DISH = {
    "title": "Soup",
    "description": "Warm.",
    "ingredients": [{"name": "lentils", "amount": 200.0, "unit": "g"}, {"name": "salt", "amount": "a pinch"}],
    "instructions": ["Boil.", "Serve."],
    "nutrition": {"calories": 300.5},
    "tags": ["quick"],
}
SHOWN = """\
Soup
====
Warm.

Ingredients
  - 200 g lentils
  - a pinch salt

Steps
  1. Boil.
  2. Serve.

Nutrition
  calories   300.5 kcal

Tags: quick"""


def test_a_recipe_is_shown_in_the_order_of_cooking() -> None:
    """Title, ingredients, numbered steps."""
    assert "\n".join(lines_of(DISH)) == SHOWN


@pytest.mark.parametrize("answer", [RECIPE, SUGGESTIONS, NUTRITION], ids=["recipe", "suggestions", "nutrition"])
def test_lines_only_grow_while_an_answer_is_written(answer: Any) -> None:
    """Whatever is there of its JSON is shown, and no beginning of it is an error."""
    written = json.dumps(answer)
    counts = [len(lines_of(so_far(written[:end]))) for end in range(len(written) + 1)]
    assert counts == sorted(counts)
    assert counts[-1] == len(lines_of(answer)) > 0


@pytest.mark.parametrize("data", [None, [], "x", {"title": 3, "ingredients": "x", "instructions": {}, "calories": "y"}])
def test_what_is_of_another_type_is_left_out(data: Any) -> None:
    """A model that is still writing may have written anything."""
    assert lines_of(data) == []
