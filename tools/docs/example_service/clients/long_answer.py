"""Have the model count for minutes, plain and streamed: ``python long_answer.py URL MODEL TOKENS``."""

import json
import sys
import time

import httpx

COUNT = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10,"
"""What a small model goes on with for as long as it may; of a story it soon sees the end."""


def body(model: str, tokens: int, seed: int, *, stream: bool) -> dict[str, object]:
    """Build the body of a request."""
    messages = [{"role": "user", "content": COUNT}]
    return {
        "model": model,
        "messages": messages,
        "max_tokens": tokens,
        "seed": seed,
        "temperature": 0,
        "stream": stream,
    }


def plain(client: httpx.Client, model: str, tokens: int) -> str:
    """Ask, wait for the whole, and tell what came."""
    begun = time.monotonic()
    answer = client.post("/v1/chat/completions", json=body(model, tokens, 1, stream=False))
    told = answer.json()
    who = answer.headers.get("x-ai-provider")
    return (
        f"plain: status {answer.status_code} by {who}, degraded {told.get('degraded')}, after "
        f"{time.monotonic() - begun:.0f} s, {told['usage']['completion_tokens']} tokens, "
        f"finish_reason {told['choices'][0]['finish_reason']}\n  server-timing: {answer.headers['server-timing']}"
    )


def streamed(client: httpx.Client, model: str, tokens: int) -> str:
    """Ask, count the pieces as they come, and tell how it ended."""
    begun = last = time.monotonic()
    pieces = 0
    longest, reason, end = 0.0, None, ""
    with client.stream("POST", "/v1/chat/completions", json=body(model, tokens, 2, stream=True)) as answer:
        for line in answer.iter_lines():
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
            end = line or end
            if line.startswith("data: {"):
                choice = json.loads(line.removeprefix("data: "))["choices"][0]
                pieces += bool(choice["delta"].get("content"))
                reason = choice["finish_reason"] or reason
    return (
        f"streamed: status {answer.status_code}, {pieces} pieces in {time.monotonic() - begun:.0f} s, longest silence "
        f"{longest:.1f} s, finish_reason {reason}, last line {end!r}"
    )


with httpx.Client(base_url=sys.argv[1], timeout=600) as client:
    for ask in (plain, streamed):
        print(ask(client, sys.argv[2], int(sys.argv[3])), flush=True)
