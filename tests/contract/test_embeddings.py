"""Embeddings through every provider that speaks HTTP, in both wire formats."""

from __future__ import annotations

import array
import base64
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fake_ollama import FakeOllama
from tests.contract.fake_openai import FakeOpenAI
from tests.contract.test_provider import ollama, openai
from tests.unit.service.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from ai_service.providers.base import Provider

ADMIN_KEY = "the-key-of-an-administrator-in-40-characters"


class Site:
    """A service in front of one fake server.

    Attributes:
        server: The fake.
        client: Of the service.
        model: Name of the model.
    """

    def __init__(self, server: FakeOllama | FakeOpenAI, client: Client, model: str) -> None:
        self.server = server
        self.client = client
        self.model = model

    async def embed(self, *texts: str, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        """Ask for vectors in OpenAI's format."""
        body = {"model": self.model, "input": list(texts), **fields}
        return await self.client.post("/v1/embeddings", json=body, headers=headers)

    @property
    def asked(self) -> list[list[str]]:
        """The texts that the server was asked for, call by call."""
        return [body["input"] for path, body in self.server.requests if path in {"/api/embed", "/v1/embeddings"}]


@pytest.fixture(params=["ollama", "openai"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Run a service in front of each kind of server."""
    async with AsyncExitStack() as stack:
        server: FakeOllama | FakeOpenAI = FakeOllama() if request.param == "ollama" else FakeOpenAI()
        await stack.enter_async_context(server)
        provider: Provider = ollama(server.url) if request.param == "ollama" else openai(server.url)
        (tmp_path / "key").write_text(ADMIN_KEY)
        client = await stack.enter_async_context(Client(provider, ALCHEMORSEL_ADMIN_KEY_FILE=str(tmp_path / "key")))
        yield Site(server, client, provider.model)


def vectors(response: httpx.Response) -> list[Any]:
    """Return the vectors of an answer, in order."""
    assert response.status_code == 200, response.text
    return [item["embedding"] for item in sorted(response.json()["data"], key=lambda item: item["index"])]


async def test_each_text_gets_its_vector(site: Site) -> None:
    """In the order of the texts, doubles included, each computed once."""
    response = await site.embed("ab", "abcd", "ab")
    assert vectors(response) == [[2.0, 0.5, 0.5], [4.0, 0.5, 0.5], [2.0, 0.5, 0.5]]
    assert site.asked == [["ab", "abcd"]]
    assert response.json()["usage"]["prompt_tokens"] > 0


async def test_a_batch_asks_only_for_what_is_missing(site: Site) -> None:
    """Texts are cached one by one; what comes from the cache costs no tokens."""
    await site.embed("ab", "abcd")
    response = await site.embed("abcd", "abc", "ab")
    assert vectors(response)[1] == [3.0, 0.5, 0.5]
    assert site.asked == [["ab", "abcd"], ["abc"]]
    again = await site.embed("abc")
    assert again.json()["usage"] == {"prompt_tokens": 0, "total_tokens": 0}
    assert again.headers["cache-status"] == "alchemorsel; hit"
    assert len(site.asked) == 2


async def test_large_batches_are_asked_in_parts(site: Site) -> None:
    """So that other calls get their turn."""
    texts = ["x" * number for number in range(1, 71)]
    assert [vector[0] for vector in vectors(await site.embed(*texts))] == [float(len(text)) for text in texts]
    assert [len(part) for part in site.asked] == [32, 32, 6]


async def test_numbers_travel_in_base64_too(site: Site) -> None:
    """As OpenAI's own client asks for them."""
    (packed,) = vectors(await site.embed("abc", encoding_format="base64"))
    assert list(array.array("f", base64.b64decode(packed))) == [3.0, 0.5, 0.5]


async def test_dimensions_are_part_of_the_key(site: Site) -> None:
    """A shorter vector is another one."""
    assert len(vectors(await site.embed("abc"))[0]) == 3
    assert len(vectors(await site.embed("abc", dimensions=2))[0]) == 2


async def test_cache_control_is_obeyed(site: Site) -> None:
    """`only-if-cached`, `no-cache` and `no-store`."""
    assert (await site.embed("a", headers={"cache-control": "only-if-cached"})).status_code == 504
    await site.embed("a", headers={"cache-control": "no-store"})
    assert (await site.embed("a", headers={"cache-control": "only-if-cached"})).status_code == 504
    await site.embed("a")
    assert (await site.embed("a", headers={"cache-control": "only-if-cached"})).status_code == 200
    await site.embed("a", headers={"cache-control": "no-cache"})
    assert len(site.asked) == 3


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"input": []}, 400, "input"),
    ({"input": [[1, 2]]}, 400, "another tokenizer"),
    ({"input": [1]}, 400, "another tokenizer"),
    ({"input": {"a": 1}}, 400, "input"),
    ({"model": "none"}, 404, "none"),
    ({"dimensions": 0}, 422, "dimensions"),
    ({"encoding_format": "hex"}, 400, "encoding_format"),
    ({"mystery": 1}, 400, "mystery"),
    ({"input": ["x"] * 2049}, 422, "2048"),
]


@pytest.mark.parametrize(("fields", "status", "named"), BAD, ids=str)
async def test_bad_input_is_named(site: Site, fields: dict[str, Any], status: int, named: str) -> None:
    """Before the server is asked."""
    response = await site.embed("a", **fields)
    assert response.status_code == status
    assert named in response.json()["error"]["message"]
    assert site.asked == []


async def test_a_server_that_is_down_is_503_and_nobody_stands_in(site: Site) -> None:
    """The vectors of another model would not fit."""
    site.server.mode = "503"
    if isinstance(site.server, FakeOllama):
        site.server.bodies["/api/embed"] = b"<html>"
    response = await site.embed("a")
    assert response.status_code == 503
    assert "retry-after" in response.headers


async def test_ollamas_format_shares_the_vectors(site: Site) -> None:
    """One route for many texts, and the older one for a single text."""
    body = {"model": site.model, "input": ["ab", "abc"], "truncate": False}
    answer = (await site.client.post("/api/embed", json=body)).json()
    assert answer["embeddings"] == [[2.0, 0.5, 0.5], [3.0, 0.5, 0.5]]
    assert vectors(await site.embed("abc")) == [[3.0, 0.5, 0.5]]
    assert len(site.asked) == 1
    old = (await site.client.post("/api/embeddings", json={"model": site.model, "prompt": "ab"})).json()
    assert old == {"embedding": [2.0, 0.5, 0.5]}


async def test_vectors_are_purged(site: Site) -> None:
    """As the task `embeddings`."""
    await site.embed("ab")
    purged = (
        await site.client.delete(
            "/api/v1/ai/cache", params={"task": "embeddings"}, headers={"authorization": f"Bearer {ADMIN_KEY}"}
        )
    ).json()
    assert purged["data"]["purged"] == {"embeddings": 1}
    await site.embed("ab")
    assert len(site.asked) == 2
