"""Any server that speaks OpenAI's chat completions."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from ai_service.errors import InvalidAnswer, ProviderFailed, TruncatedAnswer
from ai_service.providers.base import Completion, Inspection, Prompt
from ai_service.providers.http import INSPECT_TIMEOUT_S, deadline, error_for, new_client

TEMPERATURE = 0.3


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _ChatCompletion(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


_decode = msgspec.json.Decoder(_ChatCompletion).decode


class OpenAIProvider:
    """A server of OpenAI's wire format.

    Args:
        base_url: With its version, such as `https://host/v1`.
        model: The model's name there.
        api_key: Bearer token; empty for none.
        timeout_s: Deadline of one completion.
    """

    name = "openai"
    fabricated = False

    def __init__(self, base_url: str, model: str, *, api_key: str, timeout_s: float) -> None:
        self.model = model
        self._client = new_client(base_url, api_key=api_key)
        self._timeout_s = timeout_s
        self._digest = blake2b(f"{base_url} {model}".encode(), digest_size=6).hexdigest()

    async def complete(self, prompt: Prompt) -> Completion:
        """See Provider."""
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt.text}],
            "max_tokens": prompt.max_tokens,
            "temperature": TEMPERATURE,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": prompt.task, "schema": prompt.schema},
            },
        }
        async with deadline(self._timeout_s, "completion"):
            response = await self._client.post("/chat/completions", json=body)
        if response.status_code != 200:
            raise error_for(response.status_code, response.text, response.headers)
        try:
            completion = _decode(response.content)
        except msgspec.DecodeError as error:
            raise ProviderFailed(f"the answer is not a chat completion: {error}") from error
        if not completion.choices:
            raise ProviderFailed("the answer has no choices")
        choice = completion.choices[0]
        if choice.finish_reason == "length":
            raise TruncatedAnswer(f"cut short after {prompt.max_tokens} tokens")
        if not (choice.message.content or "").strip():
            raise InvalidAnswer(choice.message.refusal or "the answer is empty")
        usage = completion.usage or _Usage()
        return Completion(
            text=choice.message.content or "",
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
        )

    async def inspect(self) -> Inspection:
        """See Provider. The wire format knows no digest; the server's address and the model's name stand for it."""
        async with deadline(INSPECT_TIMEOUT_S, "looking at the OpenAI-compatible server"):
            response = await self._client.get("/models")
        if response.status_code != 200:
            raise error_for(response.status_code, response.text, response.headers)
        return Inspection(digest=self._digest)

    async def close(self) -> None:
        """See Provider."""
        await self._client.aclose()
