"""Turns a request's body into a parsed request, or into an error that names every field that is wrong."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ai_service.errors import InvalidRequest, UnprocessableRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_service.schemas import Problem, TaskRequest
    from ai_service.tasks import Task

Request = TypeVar("Request", bound=msgspec.Struct)

REMEMBERED_BODIES = 1024
REMEMBERED_BODY_BYTES = 2048


class ParsedRequest(msgspec.Struct, frozen=True):
    """A checked request.

    Attributes:
        request: In its canonical form.
        digest: The task's digest of it, for the key.
        stream: Whether the body asks for a stream; None where it does not say.
        include_usage: Whether the stream shall end with the tokens that were used.
        clamped: What was clamped to the service's limits, such as `max_tokens=1024`; "" where nothing was.
    """

    request: TaskRequest
    digest: str
    stream: bool | None = None
    include_usage: bool = False
    clamped: str = ""


class RequestParser:
    """Reads the bodies of one task's requests.

    Popular requests come again and again with the same bytes, so the last ones are remembered; that halves what a
    cached answer costs.

    Args:
        task: Whose requests.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._decoder = msgspec.json.Decoder(task.request_type)
        self._remembered = lru_cache(REMEMBERED_BODIES)(self._read)

    def read(self, body: bytes) -> ParsedRequest:
        """Decode, check and canonicalise a body.

        Raises:
            InvalidRequest: Not JSON, or a wrong, missing, empty or unknown field.
            UnprocessableRequest: Well-formed, but impossible.
            ModelNotFound: For a model that is not served.
        """
        return self._remembered(body) if len(body) <= REMEMBERED_BODY_BYTES else self._read(body)

    def _read(self, body: bytes) -> ParsedRequest:
        request = _check(body, self._decoder)
        self._task.check(request)
        canonical, clamped = self._task.admit(request.canonical())
        return ParsedRequest(canonical, self._task.digest(canonical), request.stream, request.include_usage, clamped)


def _check(body: bytes, decoder: msgspec.json.Decoder[TaskRequest]) -> TaskRequest:
    """Decode and check a body.

    Raises:
        InvalidRequest: Not JSON, or a wrong, missing, empty or unknown field.
        UnprocessableRequest: Well-formed, but impossible.
    """
    request = decode_request(body, decoder)
    missing = list(request.missing())
    if missing:
        raise InvalidRequest(_sentence(missing), details=_details(missing))
    impossible = list(request.impossible())
    if impossible:
        raise UnprocessableRequest(_sentence(impossible), details=_details(impossible))
    return request


def decode_request(body: bytes, decoder: msgspec.json.Decoder[Request]) -> Request:
    """Decode a body.

    Raises:
        InvalidRequest: Not JSON, or a wrong, missing or unknown field; names every one.
    """
    try:
        return decoder.decode(body)
    except (ValueError, RecursionError):
        return _read_again(body, decoder.type)


def _read_again(body: bytes, expected: type[Request]) -> Request:
    """Decode a body refused by the fast decoder, at no cost to good requests.

    Whole numbers may be written with a fraction of nothing (`4.0`): to JSON Schema they are the same.

    Raises:
        InvalidRequest: Names every wrong field.
    """
    value = _decode_object(body)
    whole = {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in value.items()}
    try:
        return msgspec.convert(whole, expected)
    except msgspec.ValidationError:
        problems = list(_field_problems(whole, expected))
        raise InvalidRequest(_sentence(problems), details=_details(problems)) from None


def _decode_object(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except UnicodeDecodeError:
        raise InvalidRequest("The body is not UTF-8.") from None
    except RecursionError:
        raise InvalidRequest("The body is nested too deeply.") from None
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"Invalid value in the body: {error}.") from None
    except msgspec.DecodeError as error:
        problem = f"The body is not valid JSON: {error}." if body else "The body is empty; expected JSON."
        raise InvalidRequest(problem) from None
    if not isinstance(value, dict):
        raise InvalidRequest("The body is not a JSON object.", details=_details([("$", "expected an object")]))
    return value


def _field_problems(value: dict[str, Any], expected: type[msgspec.Struct]) -> Iterator[Problem]:
    known = {field.encode_name: field for field in msgspec.structs.fields(expected)}
    for name, field in known.items():
        if name not in value:
            if field.required:
                yield f"$.{name}", "required field is missing"
            continue
        try:
            msgspec.convert(value[name], field.type)
        except msgspec.ValidationError as error:
            problem, _, where = str(error).partition(" - at `$")
            wrong = _wrong_items(name, value[name]) if problem.startswith("Expected `str`") and "." not in where else []
            yield from wrong or [(f"$.{name}{where.rstrip('`')}", problem)]
    for name in value:
        if name not in known:
            yield f"$.{name[:64]}", f"unknown field; expected one of {', '.join(known)}"


def _wrong_items(name: str, value: object) -> list[Problem]:
    """Every item of a list of text that is none."""
    if not isinstance(value, list):
        return []
    return [
        (f"$.{name}[{index}]", f"Expected `str`, got `{type(item).__name__}`")
        for index, item in enumerate(value)
        if not isinstance(item, str)
    ]


def _sentence(problems: list[Problem]) -> str:
    shown = "; ".join(f"{path}: {problem}" for path, problem in problems[:3])
    more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
    return f"{shown}{more}."


def _details(problems: list[Problem]) -> list[dict[str, str]]:
    return [{"field": path, "problem": problem} for path, problem in problems[:20]]
