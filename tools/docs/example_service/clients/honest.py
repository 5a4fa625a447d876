"""Ask what once got an answer that was not what it seemed: ``python honest.py URL MODEL OLLAMA_PID``.

One line for each answer: what was asked, status, who answered it, what the cache did, and what came.
"""

import http.client
import json
import os
import signal
import sys
from urllib.parse import urlsplit

import httpx

CHAT, NUTRITION, INGREDIENTS, RECIPE = (
    "/v1/chat/completions",
    "/api/v1/ai/analyze-nutrition",
    "/api/v1/ai/suggest-ingredients",
    "/api/v1/ai/generate-recipe",
)
WIDTH = 400


def show(what: str, answer: httpx.Response, told: object = None) -> None:
    """Print one answer."""
    body = answer.json()
    error = body.get("error") or {}
    said = f"{error['code']}: {error['message']}" if error else json.dumps(told, ensure_ascii=False)
    provider = answer.headers.get("x-ai-provider", "nobody")
    cache = answer.headers.get("cache-status", "-").removeprefix("alchemorsel; ")
    print(f"{what} -> {answer.status_code}, by {provider}, {cache}: {said[:WIDTH]}", flush=True)


def conversation(client: httpx.Client, model: str, what: str, text: str, **options: object) -> None:
    """Ask one thing, and show the answer."""
    body = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 60, **options}
    answer = client.post(CHAT, json=body)
    choice = answer.json()["choices"][0] if answer.status_code == 200 else {}
    show(what, answer, [choice.get("finish_reason"), choice.get("message", {}).get("content")])


def form(schema: object) -> dict[str, object]:
    """Build a response format with a JSON schema."""
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


def schemas(client: httpx.Client, model: str) -> None:
    """JSON that breaks off, schemas that Ollama refuses or dies of, and one that it was not told of."""
    for seed in range(1, 7):
        options = {"response_format": {"type": "json_object"}, "seed": seed}
        conversation(client, model, f"JSON mode, seed {seed}", "Name a herb", **options)
    for each in ({"pattern": "[0-9]"}, {"pattern": "^(?!x).*$"}, {"$ref": "#/nowhere"}):
        schema = {"type": "object", "properties": {"a": {"type": "string", **each}}, "required": ["a"]}
        conversation(client, model, f"schema with {json.dumps(each)}", "JSON:", response_format=form(schema), seed=1)
    conversation(client, model, "the next caller", "Say hello")


def lengths(client: httpx.Client, model: str) -> None:
    """Send a prompt of 14 KB twice to show that a refused request is not cached."""
    for _ in range(2):
        conversation(client, model, "14 KB for a context of 1,024 tokens", "Once upon a time there was a stew. " * 400)


def nutrition(client: httpx.Client) -> None:
    """Show the energy of answers beside that of their macronutrients; a mismatch costs confidence."""
    for ingredients in (["2 eggs", "100 g spinach", "1 tbsp olive oil"], ["100 g sugar"]):
        answer = client.post(NUTRITION, json={"ingredients": ingredients})
        data, meta = answer.json()["data"], answer.json()["meta"]
        macros = 4 * data["protein"] + 4 * data["carbs"] + 9 * data["fat"]
        show(f"nutrition of {', '.join(ingredients)}", answer, data)
        print(
            f"  4/4/9 kcal/g: {macros:.0f} kcal, told: {data['calories']:.0f} kcal; confidence {meta['confidence']:.2f}"
        )
        for warning in meta.get("warnings", []):
            print(f"  warning: {json.dumps(warning)[: 2 * WIDTH]}")


def header_lines(url: str) -> None:
    """Ask twice with two lines of Cache-Control, as a proxy may send them."""
    body = json.dumps({"partial": ["two", "lines"]}).encode()
    for _ in range(2):
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        connection.putrequest("POST", INGREDIENTS)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.putheader("Cache-Control", "no-store")
        connection.putheader("Cache-Control", "max-age=0")
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.read()
        print(f"no-store and max-age=0 in two lines -> {answer.status}, {answer.headers['Cache-Status']}")
        connection.close()


def silence(client: httpx.Client, model: str, pid: int) -> None:
    """Ollama is stopped: it accepts, and says nothing."""
    os.kill(pid, signal.SIGSTOP)
    try:
        answer = client.post(RECIPE, json={"prompt": "a silent stew"})
        show("a recipe of a silent model", answer, answer.json()["data"]["title"] if answer.is_success else None)
        for name in ("x-ai-degraded", "server-timing"):
            print(f"  {name}: {answer.headers.get(name)}")
        conversation(client, model, "a chat with a silent model", "Anybody there?")
        print(f"  health: {client.get('/health').json()['status']}")
    finally:
        os.kill(pid, signal.SIGCONT)


def main(url: str, model: str, pid: int) -> None:
    """Ask everything."""
    with httpx.Client(base_url=url, timeout=120) as client:
        schemas(client, model)
        lengths(client, model)
        nutrition(client)
        header_lines(url)
        silence(client, model, pid)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
