"""What is done for each recording: parts are started, commands run, and what they print is kept."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

from tools.docs.example_service.parts import NUM_CTX, running
from tools.docs.example_service.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.docs.example_service.parts import Parts

_CLIENTS = "tools/docs/example_service/clients"
_INGREDIENTS = "/api/v1/ai/suggest-ingredients"
LONG_TOKENS = 4000
"""Some minutes on two cores."""


def herd() -> str:
    """Send a hundred equal requests at once."""
    with running() as parts:
        transcript = _begin(parts)
        _load(transcript, parts)
        _run_client(transcript, "herd.py", _url(parts))
        transcript.run(f"grep '^\\[GIN\\].*POST' {parts.ollama.log_file}")
        wanted = "^alchemorsel_ai_(requests|provider_calls)_total.*recipe"
        transcript.run(f"curl -s {_url(parts)}/metrics | grep -E '{wanted}'")
        return transcript.text


def redis_killed() -> str:
    """Redis is killed while 200 requests come each second."""
    with running(DEADLINE="30s") as parts:
        transcript = _begin(parts)
        _load(transcript, parts)
        _run_client(transcript, "redis_killed.py", _url(parts), str(parts.redis.pid))
        transcript.run(f"redis-cli -p {parts.redis.port} ping", status=1)
        transcript.run(f'grep -v \'"level":"info"\' {parts.service.log_file}')
        transcript.run(f"curl -s {_url(parts)}/health")
        return transcript.text


def openai_client() -> str:
    """OpenAI's own client asks, plain and streamed, and makes mistakes."""
    with running() as parts:
        transcript = _begin(parts)
        _run_client(transcript, "openai_client.py", _url(parts), parts.ollama.model)
        return transcript.text


def stream() -> str:
    """`curl -N` shows a stream of a new answer, of a cached one, and of a chat."""
    with running() as parts:
        transcript = _begin(parts)
        _load(transcript, parts)
        transcript.note("", "# On the left: seconds since curl's start, noted as each line came.")
        accept = "-H 'Content-Type: application/json' -H 'Accept: text/event-stream'"
        task = f"curl -sN -i {_url(parts)}{_INGREDIENTS} {accept} -d '{json.dumps({'partial': ['tomato']})}'"
        transcript.note("", "## A miss: text as the model writes it, then the checked answer")
        transcript.run(task, stamped=True)
        transcript.note("", "## The same again: replayed from the cache")
        transcript.run(task, stamped=True)
        transcript.note("", "## Chat, in OpenAI's wire format")
        messages = [{"role": "user", "content": "Name a herb."}]
        chat = {"model": parts.ollama.model, "stream": True, "max_tokens": 8, "messages": messages}
        kind = "-H 'Content-Type: application/json'"
        transcript.run(f"curl -sN {_url(parts)}/v1/chat/completions {kind} -d '{json.dumps(chat)}'", stamped=True)
        return transcript.text


def honest() -> str:
    """Ask what once got an answer that was not what it seemed; samples are allowed where they are."""
    with running(AI_FALLBACKS="mock", OLLAMA_NUM_CTX="1024", OLLAMA_TIMEOUT="5s") as parts:
        transcript = _begin(parts)
        _run_client(transcript, "honest.py", _url(parts), parts.ollama.model, str(parts.ollama.pid))
        return transcript.text


def long_answer() -> str:
    """Have a text written that takes two minutes, where a silence of a few seconds is a fault."""
    with running(OLLAMA_TIMEOUT="5s", OLLAMA_NUM_CTX="8192", CHAT_MAX_TOKENS="8192", DEADLINE="400s") as parts:
        transcript = _begin(parts)
        _run_client(transcript, "long_answer.py", _url(parts), parts.ollama.model, str(LONG_TOKENS))
        transcript.run(f"curl -s {_url(parts)}/health")
        return transcript.text


RECORDINGS: dict[str, Callable[[], str]] = {
    "herd": herd,
    "redis-killed": redis_killed,
    "openai-client": openai_client,
    "stream": stream,
    "honest": honest,
    "long-answer": long_answer,
}
"""How each is made, by name; it raises LabError or BenchError where something does not run."""


def _url(parts: Parts) -> str:
    return f"http://127.0.0.1:{parts.service.port}"


def _begin(parts: Parts) -> Transcript:
    """Say what runs."""
    transcript = Transcript(parts.plain_names)
    transcript.note(f"# {parts.versions}. Started before, with nothing cached:")
    transcript.note("", *(f"$ {command}" for command in parts.start))
    return transcript


def _load(transcript: Transcript, parts: Parts) -> None:
    """Have Ollama load the model, without a question."""
    body = json.dumps({"model": parts.ollama.model, "options": {"num_ctx": NUM_CTX}})
    transcript.run(f"curl -s {parts.ollama.url}/api/generate -d '{body}'")


def _run_client(transcript: Transcript, name: str, *arguments: str) -> None:
    """Show a client, and run it."""
    transcript.run(f"cat {_CLIENTS}/{name}")
    transcript.run(shlex.join([sys.executable, f"{_CLIENTS}/{name}", *arguments]))
