"""LangChain with its integration of OpenAI."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, Field

from tests.clients.programs import cells
from tests.clients.programs.cells import user

target = cells.read_target()
server: dict[str, Any] = {"base_url": target.v1, "api_key": "none", "max_retries": 0, "timeout": 100}
options: dict[str, Any] = {"temperature": 0, "seed": cells.SEED, **server}


class Dish(BaseModel):
    """The structured answer."""

    vegan: bool
    minutes: int = Field(ge=1, le=99)


def llm(max_tokens: int = cells.MAX_TOKENS, **more: Any) -> Any:
    """Return a model."""
    return ChatOpenAI(**{"model": target.model, "max_tokens": max_tokens, **options, **more})


def counts(message: Any) -> dict[str, int]:
    """Return the tokens that a message says it took."""
    usage = message.usage_metadata
    return {"prompt_tokens": usage["input_tokens"], "completion_tokens": usage["output_tokens"]}


def plain() -> Any:
    """Ask one question."""
    answer = llm().invoke(cells.PLAIN)
    return {"text": answer.text, **counts(answer)}


def stream() -> Any:
    """Ask for a stream, whose chunks add up."""
    chunks = list(llm(stream_usage=True).stream(cells.STREAMED))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return {"text": whole.text, "pieces": len([chunk for chunk in chunks if chunk.text]), **counts(whole)}


def conversation() -> Any:
    """Send the returned message back, unchanged."""
    first = llm().invoke([user(cells.OPENING)])
    second = llm().invoke([user(cells.OPENING), first, user(cells.FURTHER)])
    return {"texts": [first.text, second.text]}


def structured() -> Any:
    """Have the client parse an answer into a model of Pydantic's."""
    return cells.dish(llm(cells.STRUCTURED_MAX_TOKENS).with_structured_output(Dish).invoke(cells.DESCRIBE))


def long() -> Any:
    """Ask for more tokens than the service's budget."""
    more: Any = {"stop": list(target.stop)} if target.stop else {}
    answer = llm(cells.LONG_MAX_TOKENS, **more).invoke(cells.TELL)
    return {"text": answer.text, **counts(answer)}


def unknown_model() -> Any:
    """Ask a model that is not there."""
    return llm(model=cells.UNKNOWN_MODEL).invoke("x").text


def cached() -> Any:
    """Ask the same twice."""
    return {"texts": [llm().invoke(cells.REPEATED).text for _ in range(2)]}


def embeddings() -> Any:
    """Ask for the vectors of two texts, sent as texts: the client counts tokens only of OpenAI's own models."""
    embedder = OpenAIEmbeddings(model=target.model, check_embedding_ctx_length=False, **server)
    return {"lengths": [len(each) for each in embedder.embed_documents(["basil", "a soup"])]}


def tools() -> Any:
    """Have a tool called, and send the call and its result back."""
    bound = llm().bind_tools([cells.TOOL])
    message = bound.invoke([user(cells.ASK_WEATHER)])
    [call] = message.tool_calls
    result = {"role": "tool", "tool_call_id": call["id"], "content": cells.WEATHER}
    final = bound.invoke([user(cells.ASK_WEATHER), message, result])
    return {"calls": [{"name": call["name"], "arguments": call["args"]}], "text": final.text}


def tools_stream() -> Any:
    """Have a tool called in a stream, whose chunks add up."""
    chunks = list(llm().bind_tools([cells.TOOL]).stream([user(cells.ASK_WEATHER)]))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return {"calls": [{"name": call["name"], "arguments": call["args"]} for call in whole.tool_calls]}


if __name__ == "__main__":
    cells.serve(
        version("langchain-openai"),
        plain,
        stream,
        conversation,
        structured,
        long,
        unknown_model,
        cached,
        embeddings,
        tools,
        tools_stream,
    )
