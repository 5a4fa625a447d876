"""Ollama's wire format, as its servers send it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Models(msgspec.Struct):
    """Answer of `/api/tags` and `/api/ps`."""

    models: list[dict[str, Any]] | None = None


class WireFunction(msgspec.Struct):
    """A called function; its arguments are an object."""

    name: str = ""
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


class WireToolCall(msgspec.Struct):
    """A tool call."""

    function: WireFunction


class WireMessage(msgspec.Struct):
    """A piece of an answer."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: list[WireToolCall] | None = None


class Chunk(msgspec.Struct):
    """A line of a chat stream. Every field may be missing; an error may come in any line of a 200 answer."""

    message: WireMessage | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: str = ""


class Description(msgspec.Struct):
    """What `/api/show` tells; servers before 0.6.4 name no capabilities."""

    model_info: dict[str, Any] = {}
    capabilities: list[str] | None = None
    modelfile: str = ""

    @property
    def weights(self) -> list[str]:
        """The lines that name weights and adapters; none where the server names none."""
        return [line for line in self.modelfile.splitlines() if line.startswith(("FROM ", "ADAPTER "))]


class WireEmbeddings(msgspec.Struct):
    """Answer of `/api/embed`."""

    embeddings: list[list[float]]
    prompt_eval_count: int | None = None


class Version(msgspec.Struct):
    """Answer of `/api/version`."""

    version: str = ""


decode_models = msgspec.json.Decoder(Models).decode
decode_chunk = msgspec.json.Decoder(Chunk).decode
decode_description = msgspec.json.Decoder(Description).decode
decode_embeddings = msgspec.json.Decoder(WireEmbeddings).decode
decode_version = msgspec.json.Decoder(Version).decode


def wire_messages(messages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield messages in Ollama's format: arguments are objects, and a result names its function instead of its call."""
    names: dict[str, str] = {}
    for message in messages:
        if "tool_calls" in message:
            names |= {call["id"]: call["function"]["name"] for call in message["tool_calls"]}
            calls = [
                {"function": {**call["function"], "arguments": msgspec.Raw(call["function"]["arguments"].encode())}}
                for call in message["tool_calls"]
            ]
            yield {"role": message["role"], "content": message["content"], "tool_calls": calls}
        elif "tool_call_id" in message:
            name = names.get(message["tool_call_id"], "")
            yield {"role": message["role"], "content": message["content"], **({"tool_name": name} if name else {})}
        else:
            yield message


def error_text(content: bytes) -> str:
    """Return what an answer with an error status says."""
    try:
        return decode_chunk(content).error
    except (ValueError, RecursionError):
        return content[:200].decode("utf-8", "replace")
