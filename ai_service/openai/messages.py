"""Messages of a conversation as clients of OpenAI's wire format send them, this service's own answers included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from ai_service.schemas import Problem, documented

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Role = Literal["system", "developer", "user", "assistant", "tool"]
_Ignored = Annotated[Any, documented(description="Accepted and ignored.")]
_Refused = Annotated[Any, documented(enum=[None])]
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class ContentPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a message: `text`, or the `refusal` of an earlier answer. Images, audio and files are not supported."""

    type: Annotated[str, documented(enum=["text", "refusal"])]
    text: str | None = None
    refusal: str | None = None
    annotations: _Ignored = None
    cache_control: _Ignored = None
    image_url: _Refused = None
    input_audio: _Refused = None
    file: _Refused = None

    @property
    def shown(self) -> str:
        """The part's text."""
        return self.text or self.refusal or ""


class CalledFunction(msgspec.Struct, frozen=True):
    """A function that an earlier answer called, with its arguments as the text of a JSON object."""

    name: str
    arguments: str | None = None


class MessageToolCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool call of an earlier answer."""

    function: CalledFunction
    id: str | None = None
    type: Literal["function"] = "function"
    index: _Ignored = None

    @property
    def arguments(self) -> str:
        """The arguments in compact JSON.

        Raises:
            ValueError: They are no JSON object.
        """
        value = _decode(self.function.arguments or "{}")
        if not isinstance(value, dict):
            raise ValueError("expected an object")  # noqa: TRY004 - as the decoder's own
        return _encode(value).decode()


class ChatMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One message.

    Attributes:
        role: `developer` is OpenAI's newer name for `system`.
        tool_calls: Of an earlier answer.
        tool_call_id: The call that a message of the role `tool` answers.
    """

    role: Role
    content: str | list[ContentPart] | None = None
    tool_calls: list[MessageToolCall] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None
    name: _Ignored = None
    annotations: _Ignored = None
    parsed: _Ignored = None
    provider_specific_fields: _Ignored = None
    reasoning: _Ignored = None
    reasoning_content: _Ignored = None
    thinking_blocks: _Ignored = None
    audio: _Refused = None
    function_call: _Refused = None

    @property
    def text(self) -> str:
        """The whole content, its parts joined by line breaks."""
        if isinstance(self.content, list):
            return "\n".join(part.shown for part in self.content if part.shown)
        return self.content or self.refusal or ""

    def problems(self, path: str) -> Iterator[Problem]:
        """Yield what is wrong with it.

        Args:
            path: Of the message.
        """
        for index, part in enumerate(self.content if isinstance(self.content, list) else ()):
            if part.type not in {"text", "refusal"}:
                yield f"{path}.content[{index}].type", f"expected text: {part.type[:32]} parts are not supported here"
            for name in ("image_url", "input_audio", "file"):
                if getattr(part, name) is not None and part.type in {"text", "refusal"}:
                    yield f"{path}.content[{index}].{name}", "not supported here; expected null"
        for name in ("audio", "function_call"):
            if getattr(self, name) is not None:
                yield f"{path}.{name}", "not supported here; expected null"
        for index, call in enumerate(self.tool_calls or ()):
            try:
                _ = call.arguments
            except (ValueError, RecursionError):
                yield f"{path}.tool_calls[{index}].function.arguments", "expected a JSON object as text"


def canonical_messages(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    """Return the messages in the form that equal conversations share.

    IDs of tool calls are random: they become `call_0`, `call_1` and so on. White space in texts is kept, since in a
    conversation it has a meaning.
    """
    ids: dict[str, str] = {}
    return [_canonical(message, ids) for message in messages]


def _canonical(message: ChatMessage, ids: dict[str, str]) -> ChatMessage:
    calls = []
    for call in message.tool_calls or ():
        given = call.id or ""
        named = f"call_{len(ids)}"
        ids[given or named] = named
        calls.append(MessageToolCall(CalledFunction(call.function.name, call.arguments), named))
    return ChatMessage(
        "system" if message.role == "developer" else message.role,
        message.text,
        calls or None,
        ids.get(message.tool_call_id, message.tool_call_id) if message.tool_call_id else None,
    )


def prompt_messages(messages: Iterable[ChatMessage]) -> Iterator[dict[str, Any]]:
    """Yield canonical messages as a provider's server gets them, in OpenAI's wire format."""
    for message in messages:
        shown: dict[str, Any] = {"role": message.role, "content": message.text}
        if message.tool_calls:
            shown["tool_calls"] = [
                {"id": call.id, "type": "function", "function": msgspec.to_builtins(call.function)}
                for call in message.tool_calls
            ]
        if message.tool_call_id:
            shown["tool_call_id"] = message.tool_call_id
        yield shown
