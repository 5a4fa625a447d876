"""Callers who ask for short chats at the same time, each again as soon as its answer is there."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from bench.errors import TargetError
from bench.evidence.cache_status import parse_cache_status

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

PATH = "/api/chat"
TOKENS = 114
"""Of an answer: as many as the lab's model writes for a recipe, in the median (docs/benchmarks.md)."""
CHATS = 1
"""Of each caller in a measurement: few, so that both sides of a ratio are close to each other in time."""
NUM_CTX = 4096
"""The service's default; with another one Ollama would load the model anew for every change of sides."""

_QUESTION = "Tell a long story about a cook who travels to the sea."
_DEADLINE_S = 300.0
_NONCE_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Answered:
    """What callers got.

    Attributes:
        chats: How many.
        tokens: Written by the model, all together.
        seconds: From the first request to the last answer.
        computed: Chats whose answers were computed, by the word of who answered.
        cpu_seconds: CPU time of everybody who took part in the answers: Ollama, and the service where it was asked.
    """

    chats: int
    tokens: int
    seconds: float
    computed: int
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Tokens a second."""
        return self.tokens / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU time a token in milliseconds."""
        return self.cpu_seconds / self.tokens * 1000


class Callers:
    """Asks one server, in Ollama's wire format; use as a context manager.

    Args:
        url: The server's.
        model: Its model.
        cpu_seconds: CPU time so far of everybody who takes part in an answer.
        direct: Whether that is Ollama itself, which is told what the service tells it by itself.
    """

    def __init__(self, url: str, model: str, cpu_seconds: Callable[[], float], *, direct: bool) -> None:
        self._client = httpx.Client(base_url=url, timeout=_DEADLINE_S, trust_env=False)
        self._model = model
        self._cpu_seconds = cpu_seconds
        self._direct = direct

    def __enter__(self) -> Callers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def ask(self, parallel: int, chats: int = CHATS) -> Answered:
        """Let so many callers ask.

        Args:
            parallel: How many at once.
            chats: How many each.

        Raises:
            TargetError: An answer did not come, or has another status than 200.
        """
        count = parallel * chats
        with ThreadPoolExecutor(parallel) as callers:
            started, cpu = time.perf_counter(), self._cpu_seconds()
            answers = list(callers.map(self._ask, range(count)))
            seconds, cpu = time.perf_counter() - started, self._cpu_seconds() - cpu
        tokens, computed = (sum(column) for column in zip(*answers, strict=True))
        return Answered(count, tokens, seconds, computed, cpu)

    def _ask(self, _number: int) -> tuple[int, bool]:
        """Ask something new; returns the tokens of the answer, and whether it was computed."""
        try:
            response = self._client.post(PATH, json=self._body()).raise_for_status()
        except httpx.HTTPError as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise TargetError(f"{self._client.base_url} does not answer {PATH} ({reason})") from error
        computed = self._direct or parse_cache_status(response.headers.get("cache-status")).outcome == "miss"
        return int(response.json()["eval_count"]), computed

    def _body(self) -> dict[str, Any]:
        # Digits are one token each, so all prompts are equally long; at the front they keep the server from using
        # what it has read before.
        nonce = "".join(secrets.choice("0123456789") for _ in range(_NONCE_DIGITS))
        options = {"num_predict": TOKENS, "temperature": 0}
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": f"{nonce} {_QUESTION}"}],
            "stream": False,
            "options": options,
        }
        return {**body, "keep_alive": "30m", "options": {**options, "num_ctx": NUM_CTX}} if self._direct else body
