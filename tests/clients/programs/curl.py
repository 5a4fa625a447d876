"""The program `curl`, which asks for HTTP/2 by an upgrade of each connection, as `--http2` does without TLS."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

from tests.clients.programs import cells
from tests.clients.programs.cells import user

target = cells.read_target()
options: dict[str, Any] = {
    "model": target.model, "max_tokens": cells.MAX_TOKENS, "temperature": 0, "seed": cells.SEED,
}  # fmt: skip
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"vegan": {"type": "boolean"}, "minutes": {"type": "integer", "minimum": 1, "maximum": 99}},
    "required": ["vegan", "minutes"],
}


class StatusError(Exception):
    """The server answered with an error.

    Attributes:
        status_code: Of the response.
    """

    def __init__(self, status: int, body: str) -> None:
        super().__init__(body)
        self.status_code = status


def curl(*arguments: str, body: str | None = None) -> str:
    """Run curl and return the body of the response.

    Raises:
        StatusError: The status is none of success.
    """
    command = ["curl", "--silent", "--show-error", "--http2", "--noproxy", "*", "--max-time", "100"]
    ended = subprocess.run(
        [*command, "--write-out", "\n%{http_code}", *arguments], input=body, capture_output=True, text=True, check=True
    )
    text, _, status = ended.stdout.rpartition("\n")
    if status != "200":
        raise StatusError(int(status), text)
    return text


def read_version() -> str:
    """Return the version of curl."""
    told = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True)
    return told.stdout.split()[1]


def post(path: str, **body: Any) -> str:
    """Post a JSON object."""
    arguments = ("--header", "Content-Type: application/json", "--data-binary", "@-", f"{target.v1}{path}")
    return curl(*arguments, body=json.dumps(body))


def chat(*messages: Any, **more: Any) -> Any:
    """Ask for a chat completion."""
    return json.loads(post("/chat/completions", messages=messages, **options | more))


def text(answer: Any) -> Any:
    """Return the text of an answer."""
    return answer["choices"][0]["message"]["content"]


def plain() -> Any:
    """Ask one question."""
    answer = chat(user(cells.PLAIN))
    usage = answer["usage"]
    counts = {name: usage[name] for name in ("prompt_tokens", "completion_tokens")}
    return {"text": text(answer), **counts}


def stream() -> Any:
    """Ask for a stream, whose text curl writes as it comes."""
    include: Any = {"stream_options": {"include_usage": True}}
    body = post("/chat/completions", messages=[user(cells.STREAMED)], stream=True, **include, **options)
    *events, end = re.findall(r"^data: (.*)$", body, re.MULTILINE)
    assert end == "[DONE]"
    chunks = [json.loads(event) for event in events]
    deltas = [chunk["choices"][0]["delta"].get("content") for chunk in chunks if chunk["choices"]]
    pieces = [delta for delta in deltas if delta]
    usage = chunks[-1]["usage"]
    counts = {name: usage[name] for name in ("prompt_tokens", "completion_tokens")}
    return {"text": "".join(pieces), "pieces": len(pieces), **counts}


def conversation() -> Any:
    """Send the returned message back, unchanged."""
    first = chat(user(cells.OPENING))
    second = chat(user(cells.OPENING), first["choices"][0]["message"], user(cells.FURTHER))
    return {"texts": [text(first), text(second)]}


def structured() -> Any:
    """Ask for an answer that fits a schema."""
    form = {"type": "json_schema", "json_schema": {"name": "dish", "schema": SCHEMA, "strict": True}}
    answer = chat(user(cells.DESCRIBE), response_format=form, max_tokens=cells.STRUCTURED_MAX_TOKENS)
    return json.loads(text(answer))


def long() -> Any:
    """Ask for more tokens than the service's budget."""
    more: Any = {"stop": target.stop} if target.stop else {}
    answer = chat(user(cells.TELL), max_tokens=cells.LONG_MAX_TOKENS, **more)
    return {"text": text(answer), "completion_tokens": answer["usage"]["completion_tokens"]}


def unknown_model() -> Any:
    """Ask a model that is not there."""
    return chat(user("x"), model=cells.UNKNOWN_MODEL)


def cached() -> Any:
    """Ask the same twice."""
    return {"texts": [text(chat(user(cells.REPEATED))) for _ in range(2)]}


def embeddings() -> Any:
    """Ask for the vectors of two texts."""
    answer = json.loads(post("/embeddings", model=target.model, input=["basil", "a soup"]))
    return {"lengths": [len(each["embedding"]) for each in answer["data"]]}


def models() -> Any:
    """List the models, then retrieve the first one."""
    listed = [model["id"] for model in json.loads(curl(f"{target.v1}/models"))["data"]]
    return {"names": listed, "retrieved": json.loads(curl(f"{target.v1}/models/{listed[0]}"))["id"]}


def tools() -> Any:
    """Have a tool called, and send the call and its result back."""
    message = chat(user(cells.ASK_WEATHER), tools=[cells.TOOL])["choices"][0]["message"]
    (call,) = message["tool_calls"]
    result = {"role": "tool", "tool_call_id": call["id"], "content": cells.WEATHER}
    final = chat(user(cells.ASK_WEATHER), message, result, tools=[cells.TOOL])
    calls = [{"name": call["function"]["name"], "arguments": json.loads(call["function"]["arguments"])}]
    return {"calls": calls, "text": text(final)}


if __name__ == "__main__":
    cells.serve(
        read_version(),
        plain,
        stream,
        conversation,
        structured,
        long,
        unknown_model,
        cached,
        embeddings,
        models,
        tools,
    )
