"""Runs clients against the service and against Ollama itself, and keeps what came of each cell."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from lab.ollama_process import OllamaProcess
from lab.paths import LAB
from tests.clients.checks import MAX_TOKENS, fault
from tests.clients.client_process import ClientProcess
from tests.clients.stand_in import MODEL, StandIn
from tests.integration.service.program import Program

if TYPE_CHECKING:
    from types import TracebackType

    from tests.clients.catalogue import Client

RESULTS = LAB / "clients.json"
"""From which `python -m tools.docs.client_matrix` makes the page."""
SERVICE = "service"
OLLAMA = "ollama"
DIRECT_TIMEOUT_S = 20.0
"""For a cell that Ollama is asked directly: an old one ignores `max_completion_tokens`, and writes on."""
STAND_INS = ("stand-in ollama", "stand-in openai")
"""The service in front of a stand-in that calls tools."""
_HITS = re.compile(r'^alchemorsel_ai_requests_total\{[^}]*cache="hit"[^}]*\} (\d+)', re.MULTILINE)


@dataclass(frozen=True)
class Result:
    """What came of a cell.

    Attributes:
        target: Which server was asked.
        fault: What is wrong; empty where nothing is.
        version: Of the client.
        refused: Whether the client raised an error, or received what is wrong; not where nothing came.
    """

    client: str
    cell: str
    target: str
    fault: str
    version: str
    refused: bool


class _Pair:
    """A client and its target, running.

    Args:
        process: The client.
        program: The service; None where the target is Ollama.
    """

    def __init__(self, process: ClientProcess, program: Program | None) -> None:
        self._process = process
        self._program = program

    def run(self, key: tuple[str, str, str]) -> Result:
        """Run a cell."""
        cell = key[1]
        before = self._hits()
        outcome = self._process.run(cell)
        found = fault(cell, outcome, bounded=self._program is not None)
        if cell == "cached" and self._program is not None and not found:
            hits = self._hits() - before
            found = "" if hits == 1 else f"expected 1 answer from the cache, got {hits}"
        return Result(*key, found, self._process.version, bool(found) and not outcome.silent)

    def _hits(self) -> int:
        return 0 if self._program is None else sum(map(int, _HITS.findall(self._program.metrics())))


class Matrix:
    """Runs cells; those of a client in a row share a process and a service for each target.

    Attributes:
        results: Of the cells that ran, by client, cell and target.
    """

    def __init__(self) -> None:
        self.results: dict[tuple[str, str, str], Result] = {}
        self._client = ""
        self._pairs: dict[str, _Pair] = {}
        self._running = ExitStack()
        self._all = ExitStack()
        self._ollama: OllamaProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()
        self._all.close()
        self._save()

    def run(self, client: Client, cell: str, target: str) -> Result:
        """Run a cell, unless it ran before."""
        key = (client.name, cell, target)
        if key not in self.results:
            if self._client != client.name:
                self._running.close()
                self._pairs.clear()
                self._save()
                self._client = client.name
            if target not in self._pairs:
                self._pairs[target] = self._start(client, target)
            self.results[key] = self._pairs[target].run(key)
        return self.results[key]

    def _start(self, client: Client, target: str) -> _Pair:
        if target == OLLAMA:
            ollama = self._started_ollama()
            direct = ClientProcess(client, ollama.url, ollama.model, stop=(".",), timeout_s=DIRECT_TIMEOUT_S)
            return _Pair(self._running.enter_context(direct), None)
        program = self._running.enter_context(Program(**self._settings(target)))
        model = MODEL if target in STAND_INS else OllamaProcess.model
        return _Pair(self._running.enter_context(ClientProcess(client, program.url, model)), program)

    def _settings(self, target: str) -> dict[str, str]:
        bounds = {"CHAT_MAX_TOKENS": str(MAX_TOKENS), "AI_FALLBACKS": ""}
        if target in STAND_INS:
            return bounds | self._running.enter_context(StandIn(target.rsplit(maxsplit=1)[-1])).settings
        ollama = self._started_ollama()
        return bounds | {"OLLAMA_HOST": ollama.url, "OLLAMA_MODEL": ollama.model}

    def _started_ollama(self) -> OllamaProcess:
        if self._ollama is None:
            self._ollama = self._all.enter_context(OllamaProcess())
        return self._ollama

    def _save(self) -> None:
        known = {tuple(each[:3]): each for each in json.loads(RESULTS.read_text())} if RESULTS.is_file() else {}
        for key, each in self.results.items():
            known[key] = [*key, each.fault, each.version]
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(list(known.values()), indent=1) + "\n")
