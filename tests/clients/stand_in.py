"""A stand-in for a server whose model calls tools, which the lab's model cannot: a fake from the contract tests.

What is real here is the client and the service; the calls are made up, in the wire formats of Ollama and OpenAI.
"""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any, Self

from tests.contract.fake_ollama import DIGEST, FakeOllama
from tests.contract.fake_openai import FakeOpenAI

if TYPE_CHECKING:
    from types import TracebackType

    from tests.contract.fake_server import FakeServer, Reply

MODEL = "stand-in:1b"
ARGUMENTS = {"weather": {"city": "Rome"}}
OTHERWISE = {"vegan": True, "minutes": 20}
"""Arguments of any other tool: some clients have one for structured output."""
FINAL = "It is sunny in Rome."


def calls_for(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the calls that a request is answered with: of the first tool, until there is a result."""
    if not body.get("tools") or body["messages"][-1]["role"] == "tool":
        return []
    name = body["tools"][0]["function"]["name"]
    return [(name, ARGUMENTS.get(name, OTHERWISE))]


class CallingOllama(FakeOllama):
    """Calls the first tool that it is offered, as Ollama does."""

    def __init__(self) -> None:
        super().__init__(FINAL)
        self.models = {MODEL: f"sha256:{DIGEST}"}
        self.loaded = {MODEL}
        self.capabilities = ["completion", "tools"]

    async def respond(self, path: str, body: Any, reply: Reply) -> None:
        """Answer a request."""
        if path == "/api/chat":
            self.calls = list(calls_for(body))
            self.text = "" if self.calls else FINAL
        await super().respond(path, body, reply)


class CallingOpenAI(FakeOpenAI):
    """Calls the first tool that it is offered, as OpenAI does."""

    def __init__(self) -> None:
        super().__init__(FINAL)

    async def respond(self, path: str, body: Any, reply: Reply) -> None:
        """Answer a request."""
        if path == "/v1/chat/completions":
            self.calls = [(name, json.dumps(arguments)) for name, arguments in calls_for(body)]
            self.text = "" if self.calls else FINAL
        await super().respond(path, body, reply)


class StandIn:
    """One of the fakes, in a thread of its own.

    Args:
        provider: The wire format that it speaks: `ollama` or `openai`.

    Attributes:
        settings: Of a service in front of it.
    """

    def __init__(self, provider: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: FakeServer = CallingOllama() if provider == "ollama" else CallingOpenAI()
        if provider == "ollama":
            self.settings = {"OLLAMA_HOST": self._server.url, "OLLAMA_MODEL": MODEL}
        else:
            self.settings = {
                "AI_PROVIDER": "openai",
                "AI_FALLBACKS": "",
                "OPENAI_BASE_URL": f"{self._server.url}/v1",
                "OPENAI_MODEL": MODEL,
                "OLLAMA_MODEL": MODEL,
            }

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.__aenter__(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._server.__aexit__(kind, error, trace), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
