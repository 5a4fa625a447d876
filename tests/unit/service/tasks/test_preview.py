"""Answers while they are being written."""

import json
from typing import Any

import msgspec
import pytest

from ai_service.config.settings import Settings
from ai_service.providers.base import Completion
from ai_service.providers.transcript import Part, Text
from ai_service.schemas import Recipe
from ai_service.tasks import build_tasks
from ai_service.tasks.preview import MAX_CHARACTERS
from tests.unit.service.fakes import ANSWERS, BODIES

TASKS = {task.name: task for task in build_tasks(Settings.from_env({}))}
COMPACT = (
    '{"title":"Crème \\"brûlée\\" \\ud83d\\ude00","description":"Sweet  cream.","ingredients":["200 g cream",'
    '"4 piece egg","50 g sugar","1 pinch salt"],"instructions":["Heat the cream.","Mix in egg, sugar and salt."," "],'
    '"confidence":80,"tags":["sweet"],"nutrition":{"calories":760,"protein":14,"carbs":162,"fat":2,"fiber":4,"sugar":3,'
    '"sodium":600}}'
)


def read(name: str, text: str, size: int) -> tuple[str, list[Part]]:
    """Return the text and the parts that a task shows of an answer that comes in pieces."""
    preview = TASKS[name].preview()
    assert preview is not None
    shown = [piece for at in range(0, len(text), size) for piece in preview.read(text[at : at + size])]
    return (
        "".join(piece.text for piece in shown if isinstance(piece, Text)),
        [piece for piece in shown if isinstance(piece, Part)],
    )


@pytest.mark.parametrize("size", [1, 2, 3, 7, 40, 10_000])
def test_the_text_is_the_data_in_the_contracts_form(size: int) -> None:
    """However it is cut into pieces; the model's own confidence is no part of the data."""
    text, _ = read("recipe", COMPACT, size)
    data = json.loads(text)
    assert list(data) == ["title", "description", "ingredients", "instructions", "tags", "nutrition"]
    assert data["title"] == 'Crème "brûlée" 😀'
    assert data["ingredients"][1] == {"name": "egg", "amount": 4.0, "unit": "piece"}
    assert data["nutrition"]["sodium"] == 600


@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_the_parts_are_those_of_the_checked_answer(size: int) -> None:
    """Put together by field and index."""
    task = TASKS["recipe"]
    request = msgspec.convert(BODIES[task.path], task.request_type)
    checked = task.judge(Completion(COMPACT), request).data
    assert isinstance(checked, Recipe)
    _, parts = read("recipe", COMPACT, size)
    data: dict[str, Any] = {}
    for part in parts:
        if part.index is None:
            data[part.field] = msgspec.to_builtins(part.value)
        else:
            assert part.index == len(data.setdefault(part.field, []))
            data[part.field].append(msgspec.to_builtins(part.value))
    assert data.pop("instructions") == [*checked.instructions, ""]
    assert data == {name: msgspec.to_builtins(getattr(checked, name)) for name in data}
    assert [part.event for part in parts][:4] == ["title", "description", "ingredient", "ingredient"]


@pytest.mark.parametrize(
    ("written", "complete"),
    [
        ('{"title":"Rice', []),
        ('{"title":"Rice"', ["title"]),
        ('{"title":"Rice","ingredients":["200 g ri', ["title"]),
        ('{"title":"Rice","ingredients":["200 g rice"', ["title", "ingredient"]),
        ('{"title":"Rice","ingredients":["200 g rice","', ["title", "ingredient"]),
        ('{"nutrition":{"calories":70', []),
        ('{"nutrition":{"calories":70}', []),
        ('{"nutrition":{"calories":70}}', ["nutrition"]),
    ],
)
def test_a_part_is_shown_as_soon_as_it_is_complete_and_not_before(written: str, complete: list[str]) -> None:
    """A closing quote completes a text; a number may have another digit."""
    assert [part.event for part in read("recipe", written, 1)[1]] == complete


def test_a_number_is_not_shown_before_its_last_digit() -> None:
    """437 kcal are not 43."""
    text = '{"calories":437,"protein":7}'
    assert [(part.field, part.value) for part in read("nutrition", text, 1)[1]] == [("calories", 437), ("protein", 7)]


@pytest.mark.parametrize("name", TASKS)
def test_the_contracts_form_is_shown_too(name: str) -> None:
    """As stored answers are, and answers of models that write it."""
    answer = ANSWERS[name]
    text, parts = read(name, json.dumps(answer), 5)
    assert json.loads(text) == {field: value for field, value in answer.items() if field != "confidence"}
    assert parts


@pytest.mark.parametrize(
    "text",
    [
        "I am sorry",
        "[1,2,3]",
        '{"title":"a","title":"bc"',
        '{"title":5,"ingredients":"200 g rice","tags":[1]}',
        '{"ingredients":["salt to taste","1 g rice"]}',
        '{"ingredients":' + "[" * 5000,
        '{"title":"\ud800"}',
        " " * 100,
    ],
)
def test_what_is_no_answer_is_shown_no_further(text: str) -> None:
    """And never raises: it is judged when it is complete."""
    shown, parts = read("recipe", text, 3)
    assert "rice" not in shown
    assert "bc" not in shown
    assert len(parts) <= 1


def test_an_endless_text_is_not_parsed_for_ever() -> None:
    """Each piece has the whole text parsed again."""
    shown, _ = read("recipe", '{"title":"' + "x" * MAX_CHARACTERS * 2, 10_000)
    assert len(shown) < MAX_CHARACTERS
