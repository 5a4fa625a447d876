"""`POST /v1/embeddings`."""

from __future__ import annotations

import array
import base64
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from ai_service.answers.embedding_service import MAX_TEXTS, EmbeddingRequest, Embeddings
from ai_service.errors import InvalidRequest
from ai_service.providers.embedding import MAX_DIMENSIONS
from ai_service.schemas import documented
from ai_service.tasks.request_parser import decode_request

if TYPE_CHECKING:
    from collections.abc import Callable

_encode = msgspec.json.Encoder().encode
_decode_vector = msgspec.json.Decoder(list[float]).decode


class OpenAIEmbeddingRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/embeddings`.

    Attributes:
        input: A text, or a list of texts; lists of token numbers are not supported.
        encoding_format: `base64` is that of 32-bit numbers, little-endian.
        dimensions: Length of the vectors, where the model can shorten them.
    """

    input: str | Annotated[list[Any], documented(items={"type": "string"}, minItems=1, maxItems=MAX_TEXTS)]
    model: str
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, documented(minimum=1, maximum=MAX_DIMENSIONS)] | None = None
    user: Any = None


class Vector(msgspec.Struct, frozen=True):
    """A vector, and the place of its text in the input."""

    index: int
    embedding: list[float] | str
    object: str = "embedding"


class EmbeddingUsage(msgspec.Struct, frozen=True):
    """Tokens that were computed for this request; texts from the cache count none."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(msgspec.Struct, frozen=True):
    """Body of an answer."""

    data: list[Vector]
    model: str
    usage: EmbeddingUsage
    object: str = "list"


_decoder = msgspec.json.Decoder(OpenAIEmbeddingRequest)


class OpenAIEmbeddings:
    """OpenAI's wire format.

    Args:
        resolve: Returns the model that a name stands for.
    """

    path = "/v1/embeddings"
    reads_any_type = False

    def __init__(self, resolve: Callable[[str], str]) -> None:
        self._resolve = resolve

    def read(self, body: bytes) -> tuple[EmbeddingRequest, OpenAIEmbeddingRequest]:
        """See EmbeddingFormat."""
        asked = decode_request(body, _decoder)
        texts = [asked.input] if isinstance(asked.input, str) else asked.input
        if not all(isinstance(text, str) for text in texts):
            problem = "expected texts: numbers of tokens are another tokenizer's, so they are not supported here"
            raise InvalidRequest(f"$.input: {problem}.", details=[{"field": "$.input", "problem": problem}])
        model = self._resolve(asked.model)
        return EmbeddingRequest(model, tuple(map(str, texts)), asked.dimensions), asked

    def render(self, asked: msgspec.Struct, embeddings: Embeddings, _total_s: float) -> bytes:
        """See EmbeddingFormat."""
        assert isinstance(asked, OpenAIEmbeddingRequest)
        packs = asked.encoding_format == "base64"
        data = [
            {"object": "embedding", "index": index, "embedding": _pack(vector) if packs else msgspec.Raw(vector)}
            for index, vector in enumerate(embeddings.vectors)
        ]
        usage = EmbeddingUsage(embeddings.prompt_tokens, embeddings.prompt_tokens)
        return _encode({"object": "list", "data": data, "model": embeddings.model, "usage": usage})


def _pack(vector: bytes) -> str:
    """Return a vector as base64 of 32-bit numbers, little-endian."""
    numbers = array.array("f", _decode_vector(vector))
    if sys.byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()
