"""One model of an Ollama server, as the server tells of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ai_service.providers.base import Inspection
from ai_service.providers.errors import ProviderError, ProviderFailed
from ai_service.providers.http import INSPECT_TIMEOUT_S, Client, deadline, error_for
from ai_service.providers.ollama_wire import (
    Description,
    decode_description,
    decode_models,
    decode_version,
    error_text,
)
from ai_service.transport.http_client import read

if TYPE_CHECKING:
    from collections.abc import Mapping

DESCRIBE_TIMEOUT_S = 1.0
REFUSES_FROM = (0, 13)
"""Versions from this one on obey `truncate: false`: they refuse a prompt that is too long instead of cutting it."""
_VERSION = re.compile(r"(\d+)\.(\d+)")


class OllamaModel:
    """What an Ollama server tells of one model: whether it is there and in memory, and what it can do.

    Args:
        client: The server.
        model: Name, with or without a tag.
        num_ctx: Tokens of context that are asked for.

    Attributes:
        refuses_overlong: Whether the server refuses a prompt that is too long; False until it has told its version.
    """

    def __init__(self, client: Client, model: str, num_ctx: int) -> None:
        self._client = client
        self._model = model
        self._full_name = model if ":" in model.rpartition("/")[2] else f"{model}:latest"
        self._num_ctx = num_ctx
        self._described = ""
        self._trained_context = num_ctx
        self._capabilities: frozenset[str] | None = None
        self._version = ""
        self._weights: dict[str, list[str]] = {}
        self.refuses_overlong = False

    @property
    def context_tokens(self) -> int:
        """Tokens of context: what is asked for, but no more than the model was trained with."""
        return min(self._num_ctx, self._trained_context)

    @property
    def may_call_tools(self) -> bool:
        """Whether the server has not said that the model calls no tools."""
        return self._capabilities is None or "tools" in self._capabilities

    async def inspect(self) -> Inspection:
        """Ask the server; see Provider."""
        async with deadline(INSPECT_TIMEOUT_S, "inspecting Ollama"):
            known = await self._models("/api/tags")
            loaded = await self._models("/api/ps")
        listing = known.get(self._full_name, {})
        digest = str(listing.get("digest", "")).removeprefix("sha256:")[:12]
        if digest and digest != self._described:
            await self._describe(digest)
        running = loaded.get(self._full_name) or await self._sharing(known, loaded)
        return Inspection(
            digest=digest,
            loaded=running is not None,
            context_length=self.context_tokens,
            capabilities=None if self._capabilities is None else tuple(sorted(self._capabilities)),
            listing=listing,
            running=running or {},
            version=self._version,
        )

    async def is_loaded(self) -> bool:
        """Ask the server whether it lists the model as in memory."""
        async with deadline(INSPECT_TIMEOUT_S, "inspecting Ollama"):
            return self._full_name in await self._models("/api/ps")

    async def _models(self, path: str) -> dict[str, dict[str, Any]]:
        async with self._client.get(path) as response:
            content = await read(response)
        if response.status_code != 200:
            raise error_for(response.status_code, error_text(content), response.headers)
        try:
            models = decode_models(content).models or []
        except (ValueError, RecursionError) as error:
            raise ProviderFailed(f"{path} did not answer with a list of models: {error}") from error
        return {str(item.get("name") or item.get("model") or ""): item for item in models}

    async def _describe(self, digest: str) -> None:
        """Learn the model's own context length and what the server can do; where it does not say, nothing changes."""
        try:
            async with deadline(DESCRIBE_TIMEOUT_S, "describing the model"):
                description = await self._show(self._model)
                async with self._client.get("/api/version") as response:
                    told_version = decode_version(await read(response)).version
        except ProviderError:
            return  # Asked again with the next inspection.
        except (ValueError, RecursionError):
            description, told_version = Description(), ""
        version = _VERSION.match(told_version)
        self._version = told_version
        told = description.capabilities
        self._capabilities = None if told is None else frozenset(told)
        lengths = [value for name, value in description.model_info.items() if name.endswith(".context_length")]
        trained = next((length for length in lengths if isinstance(length, int) and length > 0), self._num_ctx)
        self._trained_context = trained
        self.refuses_overlong = version is not None and (int(version[1]), int(version[2])) >= REFUSES_FROM
        self._described = digest

    async def _show(self, model: str) -> Description:
        async with self._client.post("/api/show", {"model": model}) as response:
            return decode_description(await read(response))

    async def _sharing(
        self, known: Mapping[str, Mapping[str, Any]], loaded: Mapping[str, dict[str, Any]]
    ) -> dict[str, Any] | None:
        """Return what is in memory with this model's weights: it is listed under the name that was loaded first."""
        own = await self._weights_of(self._full_name, known) if loaded and self._full_name in known else []
        for name, running in loaded.items() if own else ():
            # What a name had before it was pulled again does not count: the server describes only what it has on disk.
            is_on_disk = name in known and running.get("digest") == known[name].get("digest")
            if is_on_disk and await self._weights_of(name, known) == own:
                return running
        return None

    async def _weights_of(self, name: str, known: Mapping[str, Mapping[str, Any]]) -> list[str]:
        digest = str(known[name].get("digest", ""))
        if digest not in self._weights:
            try:
                async with deadline(DESCRIBE_TIMEOUT_S, "describing a model"):
                    self._weights[digest] = (await self._show(name)).weights
            except (ProviderError, ValueError, RecursionError):
                return []  # Asked again with the next inspection.
        return self._weights[digest]
