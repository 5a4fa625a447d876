"""Bad bodies: every wrong field is named, with what was expected."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_service.config.settings import Settings
from ai_service.errors import InvalidRequest, RequestError, UnprocessableRequest
from ai_service.tasks import build_tasks
from ai_service.tasks.request_parser import RequestParser

RECIPE, INGREDIENTS, NUTRITION = (RequestParser(task) for task in build_tasks(Settings.from_env({})))

MALFORMED: list[tuple[bytes, str]] = [
    (b"", "The body is empty; expected JSON."),
    (b"{", "The body is not valid JSON"),
    (b"\xff\xfe", "The body"),
    (b'{"prompt":"\xff"}', "The body is not UTF-8."),
    (b'{"prompt":"\\ud800"}', "The body is not valid JSON"),
    (b"[]", "The body is not a JSON object."),
    (b'"prompt"', "The body is not a JSON object."),
    (b'{"prompt":"a","max_calories":1e999}', "Invalid value in the body"),
    (b'{"x":' + b"[" * 30_000, "The body"),
]
WRONG_FIELDS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["$.prompt"]),
    ({"prompt": 1}, ["$.prompt"]),
    ({"prompt": None}, ["$.prompt"]),
    ({"prompt": ""}, ["$.prompt"]),
    ({"prompt": " \n"}, ["$.prompt"]),
    ({"prompt": "a", "max_calories": "many"}, ["$.max_calories"]),
    ({"prompt": "a", "max_calories": 1.5}, ["$.max_calories"]),
    ({"prompt": "a", "max_calories": True}, ["$.max_calories"]),
    ({"prompt": "a", "dietary": "vegan"}, ["$.dietary"]),
    ({"prompt": "a", "dietary": ["vegan", 1, None]}, ["$.dietary[1]", "$.dietary[2]"]),
    ({"prompt": "a", "dietary": ["vegan", ""]}, ["$.dietary[1]"]),
    ({"prompt": "a", "colour": "red"}, ["$.colour"]),
    ({"max_calories": "x", "colour": 1}, ["$.prompt", "$.max_calories", "$.colour"]),
]
IMPOSSIBLE: list[tuple[dict[str, Any], list[str]]] = [
    ({"prompt": "a", "max_calories": -1}, ["$.max_calories"]),
    ({"prompt": "a", "max_calories": 0}, ["$.max_calories"]),
    ({"prompt": "a", "serving_size": 10**30, "cooking_time": -5}, ["$.serving_size", "$.cooking_time"]),
    ({"prompt": "a" * 2001}, ["$.prompt"]),
    ({"prompt": "a", "cuisine": "a" * 121}, ["$.cuisine"]),
    ({"prompt": "a", "equipment": ["pan"] * 51}, ["$.equipment"]),
    ({"prompt": "a", "avoid_ingredients": ["nuts", "a" * 121]}, ["$.avoid_ingredients[1]"]),
]


def fields(error: RequestError) -> list[str]:
    """Return the paths named by an error."""
    return [detail["field"] for detail in error.details or []]


@pytest.mark.parametrize(("body", "message"), MALFORMED)
def test_what_is_no_json_object_is_400(body: bytes, message: str) -> None:
    """And the sentence says in which way."""
    with pytest.raises(InvalidRequest) as caught:
        RECIPE.read(body)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("body", "wrong"), WRONG_FIELDS)
def test_wrong_missing_empty_and_unknown_fields_are_400(body: dict[str, Any], wrong: list[str]) -> None:
    """All of them at once, by their paths."""
    with pytest.raises(InvalidRequest) as caught:
        RECIPE.read(json.dumps(body).encode())
    assert fields(caught.value) == wrong


@pytest.mark.parametrize(("body", "wrong"), IMPOSSIBLE)
def test_what_cannot_be_meant_is_422(body: dict[str, Any], wrong: list[str]) -> None:
    """Well-formed, but no cook could do it."""
    with pytest.raises(UnprocessableRequest) as caught:
        RECIPE.read(json.dumps(body).encode())
    assert fields(caught.value) == wrong


@pytest.mark.parametrize(
    ("reader", "body", "wrong"),
    [
        (INGREDIENTS, {"partial": []}, "$.partial"),
        (INGREDIENTS, {"partial": ["a", " "]}, "$.partial[1]"),
        (INGREDIENTS, {"ingredients": ["a"]}, "$.partial"),
        (NUTRITION, {"ingredients": []}, "$.ingredients"),
        (NUTRITION, {"ingredients": [""]}, "$.ingredients[0]"),
        (NUTRITION, {"ingredients": {"a": 1}}, "$.ingredients"),
    ],
)
def test_the_other_tasks_check_their_lists(reader: RequestParser, body: dict[str, Any], wrong: str) -> None:
    """An empty list asks nothing."""
    with pytest.raises(InvalidRequest) as caught:
        reader.read(json.dumps(body).encode())
    assert fields(caught.value)[0] == wrong


def test_nulls_stand_for_absent_options() -> None:
    """Clients that write every field write them so."""
    assert RECIPE.read(b'{"prompt":"a","dietary":null,"max_calories":null}') == RECIPE.read(b'{"prompt":"a"}')


def test_an_error_is_not_remembered_as_an_answer_is() -> None:
    """The second time is as wrong as the first."""
    for _ in range(2):
        with pytest.raises(InvalidRequest):
            RECIPE.read(b'{"prompt":""}')


@given(st.binary(max_size=200))
def test_no_bytes_make_another_error(body: bytes) -> None:
    """Whatever comes, the caller is told what is wrong."""
    for reader in (RECIPE, INGREDIENTS, NUTRITION):
        with suppress(RequestError):
            reader.read(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["prompt", "max_calories", "dietary", "partial", "ingredients", "cuisine", "x"]), json_values
    )
)
def test_no_object_makes_another_error(body: dict[str, Any]) -> None:
    """Nor does any combination of fields and types."""
    for reader in (RECIPE, INGREDIENTS, NUTRITION):
        with suppress(RequestError):
            reader.read(json.dumps(body).encode())


def test_a_whole_number_may_be_written_with_a_fraction_of_nothing() -> None:
    """To JSON Schema 4.0 is an integer, and some clients write it so; both are the same question."""
    question = RECIPE.read(b'{"prompt":"a","serving_size":4.0}')
    assert question.digest == RECIPE.read(b'{"prompt":"a","serving_size":4}').digest
