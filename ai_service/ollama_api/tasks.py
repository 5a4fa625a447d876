"""The task `chat` under Ollama's routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.errors import Forbidden
from ai_service.ollama_api.requests import (
    LenientOllamaChatRequest,
    LenientOllamaGenerateRequest,
    OllamaChatRequest,
    OllamaGenerateRequest,
    OllamaRequest,
)
from ai_service.openai.chat import ChatTask

if TYPE_CHECKING:
    from ai_service.schemas import TaskRequest


class OllamaChatTask(ChatTask):
    """`POST /api/chat`: the same task, cache and answers as chat completions.

    Args:
        chat: The task under OpenAI's route.
    """

    path = "/api/chat"

    def __init__(self, chat: ChatTask) -> None:
        super().__init__(
            models=chat.models,
            aliases=chat.aliases,
            ttl_s=chat.ttl_s,
            max_tokens=chat.max_tokens,
            num_ctx=chat.num_ctx,
            max_body_bytes=chat.max_body_bytes,
            drops_unsupported=chat.drops_unsupported,
        )
        self.request_type = LenientOllamaChatRequest if chat.drops_unsupported else OllamaChatRequest

    def check(self, request: TaskRequest) -> None:
        """See Task."""
        assert isinstance(request, OllamaRequest)
        self.resolve(request.model)
        if request.unloads:
            raise Forbidden("Models are loaded and unloaded by the operator: leave `keep_alive` out.")


class OllamaGenerateTask(OllamaChatTask):
    """`POST /api/generate`: a conversation of one message."""

    path = "/api/generate"

    def __init__(self, chat: ChatTask) -> None:
        super().__init__(chat)
        self.request_type = LenientOllamaGenerateRequest if chat.drops_unsupported else OllamaGenerateRequest
