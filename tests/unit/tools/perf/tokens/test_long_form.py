"""The form that the short one is measured against."""

import json

import jsonschema
import pytest

from ai_service.providers.base import Completion
from tools.perf.tokens.measurement import REQUESTS, in_both_forms, tasks_of


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
        found[form] = (task.judge(Completion(example), request), len(example))
    assert found["long"][0] == found["short"][0]
    assert found["short"][1] < 0.85 * found["long"][1]


@pytest.mark.parametrize("tokens", [512, 1024])
def test_an_answer_is_the_same_in_both_forms(tokens: int) -> None:
    """Whichever it was written in; each as its prompt shows it."""
    request = REQUESTS["recipe"][0].canonical()
    examples = {}
    for form, task in tasks_of("recipe", tokens).items():
        lines = task.prompt(request).splitlines()
        examples[form] = next(line for line in lines if line.startswith("JSON: {")).removeprefix("JSON: ")
    assert in_both_forms(examples["long"]) == in_both_forms(examples["short"]) == examples
