"""Vectors of texts, as servers of either wire format return them."""

from __future__ import annotations

import math

import msgspec

from ai_service.providers.errors import InvalidAnswer

MAX_DIMENSIONS = 65_536

_encode = msgspec.json.Encoder().encode


class Embedding(msgspec.Struct, frozen=True):
    """Vectors in the order of the texts.

    Attributes:
        vectors: Each as a JSON array of numbers.
        prompt_tokens: Tokens read, 0 where the server does not say.
    """

    vectors: tuple[bytes, ...]
    prompt_tokens: int = 0


def checked_vectors(vectors: list[list[float]], count: int) -> tuple[bytes, ...]:
    """Return vectors as JSON arrays.

    Args:
        vectors: As decoded.
        count: Number of texts.

    Raises:
        InvalidAnswer: There are more or fewer than texts, they differ in length, or hold what is no number.
    """
    if len(vectors) != count:
        raise InvalidAnswer(f"{len(vectors)} vectors for {count} texts")
    lengths = {len(vector) for vector in vectors}
    if len(lengths) != 1 or not 0 < lengths.pop() <= MAX_DIMENSIONS:
        raise InvalidAnswer("vectors of different lengths, or empty ones")
    if not all(map(math.isfinite, (number for vector in vectors for number in vector))):
        raise InvalidAnswer("a vector with a value that is no number")
    return tuple(_encode(vector) for vector in vectors)
