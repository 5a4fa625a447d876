"""`POST /api/embed`, and `POST /api/embeddings` of older clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from ai_service.answers.embedding_service import MAX_TEXTS, EmbeddingRequest, Embeddings
from ai_service.errors import InvalidRequest
from ai_service.ollama_api.options import Options, option_problems
from ai_service.providers.embedding import MAX_DIMENSIONS
from ai_service.schemas import documented
from ai_service.tasks.request_parser import decode_request

if TYPE_CHECKING:
    from collections.abc import Callable

_NS = 1_000_000_000
_encode = msgspec.json.Encoder().encode


class EmbedRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /api/embed`."""

    model: str
    input: str | Annotated[list[str], documented(minItems=1, maxItems=MAX_TEXTS)]
    truncate: bool | None = None
    dimensions: Annotated[int, documented(minimum=1, maximum=MAX_DIMENSIONS)] | None = None
    options: Options | None = None
    keep_alive: Any = None


class EmbeddingsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /api/embeddings`."""

    model: str
    prompt: str
    options: Options | None = None
    keep_alive: Any = None


class OllamaEmbed:
    """Ollama's wire format.

    Args:
        resolve: Returns the model that a name stands for.
    """

    path = "/api/embed"
    reads_any_type = True
    _decoder = msgspec.json.Decoder(EmbedRequest)

    def __init__(self, resolve: Callable[[str], str]) -> None:
        self._resolve = resolve

    def read(self, body: bytes) -> tuple[EmbeddingRequest, msgspec.Struct]:
        """See EmbeddingFormat."""
        asked = decode_request(body, self._decoder)
        _check_options(asked.options or {})
        texts = (asked.input,) if isinstance(asked.input, str) else tuple(asked.input)
        truncates = asked.truncate is not False
        return EmbeddingRequest(self._resolve(asked.model), texts, asked.dimensions, truncates), asked

    def render(self, _asked: msgspec.Struct, embeddings: Embeddings, total_s: float) -> bytes:
        """See EmbeddingFormat."""
        return _encode(
            {
                "model": embeddings.model,
                "embeddings": [msgspec.Raw(vector) for vector in embeddings.vectors],
                "total_duration": int(total_s * _NS),
                "load_duration": 0,
                "prompt_eval_count": embeddings.prompt_tokens,
            }
        )


class OllamaEmbeddings(OllamaEmbed):
    """The older route, for one text."""

    path = "/api/embeddings"
    _decoder_of_one = msgspec.json.Decoder(EmbeddingsRequest)

    def read(self, body: bytes) -> tuple[EmbeddingRequest, msgspec.Struct]:
        """See EmbeddingFormat."""
        asked = decode_request(body, self._decoder_of_one)
        _check_options(asked.options or {})
        return EmbeddingRequest(self._resolve(asked.model), (asked.prompt,), truncates=True), asked

    def render(self, _asked: msgspec.Struct, embeddings: Embeddings, _total_s: float) -> bytes:
        """See EmbeddingFormat."""
        return _encode({"embedding": msgspec.Raw(embeddings.vectors[0])})


def _check_options(options: dict[str, Any]) -> None:
    """Check options, which shape no vector.

    Raises:
        InvalidRequest: One is unknown, or the runner's.
    """
    for path, problem in option_problems(options, drops_unsupported=False):
        raise InvalidRequest(f"{path}: {problem}.", details=[{"field": path, "problem": problem}])
