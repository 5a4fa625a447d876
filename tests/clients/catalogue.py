"""The clients and what each of them is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

CELLS = {
    "plain": "Answer",
    "generate": "Generate",
    "stream": "Stream",
    "conversation": "Message sent back",
    "structured": "Structured output",
    "long": "`max_tokens` 4096",
    "unknown_model": "Unknown model",
    "cached": "Cached replay",
    "embeddings": "Embeddings",
    "models": "Models",
}
"""Cells that a model without tools suffices for, with their names on the page."""
TOOL_CELLS = {
    "tools": "Tool, result sent back",
    "tools_stream": "Streamed tool call",
    "structured_by_tool": "Structured output by a tool",
}
"""Cells that need a model with tools."""
_COMMON = ("plain", "stream", "conversation", "structured", "long", "unknown_model", "cached")
_NO_MODELS = (*_COMMON, "embeddings")
_ALL = (*_NO_MODELS, "models")
_TOOLS = ("tools", "tools_stream")


@dataclass(frozen=True)
class Client:
    """A client program.

    Attributes:
        name: Its name in tests and on the command line.
        title: Its name on the page.
        environment: The part of `requirements/clients-<environment>.txt` that is its own; `node` for npm's; empty for a
            program of the machine.
        program: Its file under `tests/clients/programs` or `tests/clients/node`, without suffix.
        wire_format: OpenAI's or Ollama's.
        cells: Those that it has, of CELLS.
        tool_cells: Those that it has, of TOOL_CELLS.
        arguments: Of its program, after the target.
    """

    name: str
    title: str
    environment: str
    program: str
    wire_format: str = "OpenAI"
    cells: tuple[str, ...] = _ALL
    tool_cells: tuple[str, ...] = _TOOLS
    arguments: tuple[str, ...] = ()


CLIENTS = {
    client.name: client
    for client in (
        Client("openai-python", "openai (Python)", "openai", "openai_python"),
        Client("openai-python-1", "openai (Python), 1.x", "openai-1", "openai_python"),
        Client("langchain-openai", "langchain-openai", "langchain", "langchain_openai_chat", cells=_NO_MODELS),
        Client("langchain-ollama", "langchain-ollama", "langchain", "langchain_ollama_chat", "Ollama", _NO_MODELS),
        Client(
            "pydantic-ai",
            "pydantic-ai",
            "pydantic-ai",
            "pydantic_ai_agent",
            cells=_NO_MODELS,
            tool_cells=(*_TOOLS, "structured_by_tool"),
        ),
        Client("litellm", "litellm", "litellm", "litellm_sdk", cells=_NO_MODELS),
        Client(
            "litellm-ollama",
            "litellm, ollama_chat",
            "litellm",
            "litellm_sdk",
            "Ollama",
            _NO_MODELS,
            arguments=("ollama",),
        ),
        Client("ollama-python", "ollama (Python)", "ollama", "ollama_python", "Ollama", (*_ALL, "generate")),
        Client("openai-npm", "openai (npm)", "node", "openai"),
        Client("ai-sdk", "AI SDK (npm)", "node", "ai_sdk", cells=_NO_MODELS),
        Client("ollama-npm", "ollama (npm)", "node", "ollama", "Ollama", (*_ALL, "generate")),
        Client("curl", "curl --http2", "", "curl", tool_cells=("tools",)),
    )
}
QUICK = ("openai-python", "ollama-python", "curl")
"""What `make test` runs."""
