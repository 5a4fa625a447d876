"""The form that the short one is measured against."""

import json

import jsonschema
import pytest

from ai_service.providers.base import Completion
from tools.perf.tokens.measurement import REQUESTS, tasks_of


@pytest.mark.parametrize("tokens", [512, 1024])
@pytest.mark.parametrize("name", REQUESTS)
def test_both_forms_ask_for_the_same_answer(name: str, tokens: int) -> None:
    """By the same example: its data is the same, and only the short one is a saving."""
    found = {}
    for form, task in tasks_of(name, tokens).items():
        request = REQUESTS[name][0].canonical()
        example = next(line for line in task.prompt(request).splitlines() if line.startswith("JSON: {"))
        example = example.removeprefix("JSON: ")
        jsonschema.validate(json.loads(example), task.schema)
        assert list(json.loads(example)) == list(task.schema["properties"])
        found[form] = (task.judge(Completion(example), request), len(example), task.ask(request).closing)
    assert found["long"][0] == found["short"][0]
    assert found["long"][2] == ""
    if name == "recipe":
        assert found["short"][1] < 0.85 * found["long"][1]
