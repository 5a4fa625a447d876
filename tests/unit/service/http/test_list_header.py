"""Lists in header fields, by HTTP's grammar."""

from __future__ import annotations

import pytest

from ai_service.http.list_header import elements, join_lines, unquote


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", [b""]),
        (b"a", [b"a"]),
        (b"a , b,c", [b"a", b"b", b"c"]),
        (b'x="a, b", c', [b'x="a, b"', b"c"]),
        (rb'x="a\", b", c', [rb'x="a\", b"', b"c"]),
        (rb'x="a\\", b', [rb'x="a\\"', b"b"]),
        (b'x="a, b', [b'x="a', b"b"]),
        (b'a, x="b, c="d", e', [b"a", b'x="b, c="d"', b"e"]),
        (b'"', [b'"']),
        (rb'"\"', [rb'"\"']),
    ],
)
def test_a_list_is_split_outside_of_quoted_strings(value: bytes, expected: list[bytes]) -> None:
    """A quotation mark without its like begins none."""
    assert elements(value) == expected


def test_a_long_hostile_value_is_split_in_one_pass() -> None:
    """Nothing here is quadratic: 30 kB of quotation marks and backslashes come back as one element."""
    assert len(elements(rb'"\"' * 10_000 + b",no-store")) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [(b"a", b"a"), (b'"a b"', b"a b"), (rb'"a\"b"', b'a"b'), (b'"', b'"'), (b'""', b"")],
)
def test_a_quoted_string_stands_for_its_text(text: bytes, expected: bytes) -> None:
    """A token for itself."""
    assert unquote(text) == expected


def test_several_lines_of_a_list_are_one_list() -> None:
    """Of any other field the last line counts."""
    lines = [(b"a", b"1"), (b"b", b"x"), (b"a", b"2"), (b"b", b"y")]
    assert join_lines(lines, frozenset({b"a"})) == {b"a": b"1, 2", b"b": b"y"}
