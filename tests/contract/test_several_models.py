"""Several models behind one service: a task's own, those that chat may name, and aliases."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from ai_service.config.settings import Settings
from ai_service.errors import ConfigurationError
from tests.contract.fake_ollama import FakeOllama
from tests.contract.test_provider import ollama
from tests.unit.service.client import Client
from tests.unit.service.fakes import BODIES, NUTRITION, SUGGESTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

SMALL = "small:1b"
ASK = [{"role": "user", "content": "Name a herb."}]
INGREDIENTS, NUTRIENTS = "/api/v1/ai/suggest-ingredients", "/api/v1/ai/analyze-nutrition"


class Site:
    """A service with two models of one server.

    Attributes:
        server: The fake Ollama.
        client: Of the service.
    """

    def __init__(self, server: FakeOllama, client: Client) -> None:
        self.server = server
        self.client = client

    async def chat(self, model: str) -> httpx.Response:
        """Ask the one question of this module."""
        return await self.client.post("/v1/chat/completions", json={"model": model, "messages": ASK})

    @property
    def asked(self) -> list[str]:
        """The models that were asked, in order."""
        return [body["model"] for path, body in self.server.requests if path == "/api/chat" and body["messages"]]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Run the service: `test:1b` by default, `small:1b` for ingredients."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(FakeOllama("Basil."))
        server.models[SMALL] = "sha256:" + "ab" * 32
        server.loaded.add(SMALL)
        settings = {
            "ALCHEMORSEL_OLLAMA_HOST": server.url,
            "ALCHEMORSEL_OLLAMA_MODEL": "test:1b",
            "ALCHEMORSEL_INGREDIENTS_MODEL": SMALL,
            "ALCHEMORSEL_MODEL_ALIASES": f"gpt-4o-mini={SMALL},best=test:1b",
        }
        client = await stack.enter_async_context(Client(ollama(server.url), **settings))
        yield Site(server, client)


async def test_a_task_is_answered_by_its_own_model(site: Site) -> None:
    """The others by the default one; both say so."""
    site.server.text = json.dumps(SUGGESTIONS)
    quick = await site.client.post(INGREDIENTS, json=BODIES[INGREDIENTS])
    site.server.text = json.dumps(NUTRITION)
    other = await site.client.post(NUTRIENTS, json=BODIES[NUTRIENTS])
    assert site.asked == [SMALL, "test:1b"]
    assert [answer.headers["x-ai-model"] for answer in (quick, other)] == [SMALL, "test:1b"]


async def test_chat_names_its_model_and_aliases_share_its_answers(site: Site) -> None:
    """Each model has answers of its own."""
    for name in ("test:1b", SMALL, "gpt-4o-mini", "best"):
        answer = (await site.chat(name)).json()
        assert answer["model"] == {"gpt-4o-mini": SMALL, "best": "test:1b"}.get(name, name)
    assert site.asked == ["test:1b", SMALL]


async def test_a_model_that_fails_leaves_the_others_alone(site: Site) -> None:
    """Its circuit breaker is its own; health says which one it is."""
    del site.server.models[SMALL]
    for _ in range(4):
        assert (await site.chat(SMALL)).status_code == 503
        site.server.requests.clear()
    assert (await site.chat("test:1b")).status_code == 200
    providers = (await site.client.get("/health")).json()["providers"]
    assert {(each["model"], each["breaker"]) for each in providers} == {("test:1b", "closed"), (SMALL, "open")}


async def test_all_models_are_listed(site: Site) -> None:
    """With aliases, and what is known of each."""
    listed = (await site.client.get("/v1/models")).json()["data"]
    assert [model["id"] for model in listed] == ["test:1b", SMALL, "gpt-4o-mini", "best"]
    one = (await site.client.get("/v1/models/gpt-4o-mini")).json()
    assert (one["id"], one["root"], one["context_length"]) == ("gpt-4o-mini", SMALL, 4096)
    assert (await site.chat("other:7b")).status_code == 404


WRONG: list[tuple[dict[str, str], str]] = [
    ({"MODEL_ALIASES": "a=none:7b"}, "a=none:7b: expected one of"),
    ({"MODEL_ALIASES": "llama3.2:3b=llama3.2:3b"}, "expected a name that no model has"),
    ({"MODEL_ALIASES": "a"}, "expected pairs"),
    ({"MODEL_ALIASES": "a=llama3.2:3b,a=llama3.2:3b"}, "expected a once"),
    ({"MODELS": "a b"}, "expected a name"),
]


@pytest.mark.parametrize(("wrong", "said"), WRONG, ids=str)
def test_a_wrong_alias_is_told_at_start(wrong: dict[str, Any], said: str) -> None:
    """With all other mistakes."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env({f"ALCHEMORSEL_{name}": value for name, value in wrong.items()} | {"ALCHEMORSEL_PORT": "x"})
    assert said in str(caught.value)
    assert "ALCHEMORSEL_PORT" in str(caught.value)
