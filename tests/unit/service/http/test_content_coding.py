"""Compressed request bodies, within their bound."""

from __future__ import annotations

import gzip

import pytest
import zstandard

from tests.unit.service.client import Client, check_error

PATH = "/api/v1/ai/generate-recipe"
BODY = b'{"prompt": "tomato pasta"}'
LIMIT = 64 * 1024
COMPRESS = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}


async def send(client: Client, body: bytes, coding: str) -> object:
    """Send a body in a content coding."""
    return await client.post(
        PATH, content=body, headers={"content-type": "application/json", "content-encoding": coding}
    )


@pytest.mark.parametrize("coding", ["gzip", "zstd", "GZIP", "identity"])
async def test_a_compressed_body_is_the_body(coding: str) -> None:
    """It shares the answer of the plain one."""
    async with Client() as client:
        plain = await client.post(PATH, content=BODY, headers={"content-type": "application/json"})
        compress = COMPRESS.get(coding.lower(), bytes)
        response = await client.post(
            PATH,
            content=compress(BODY),
            headers={"content-type": "application/json", "content-encoding": coding},
        )
        assert (response.status_code, response.content) == (200, plain.content)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_a_bomb_is_too_large(coding: str) -> None:
    """It is never decoded further than its bound."""
    bomb = COMPRESS[coding](b" " * 50 * 1024 * 1024)
    assert len(bomb) < LIMIT
    async with Client() as client:
        response = await client.post(
            PATH, content=bomb, headers={"content-type": "application/json", "content-encoding": coding}
        )
        check_error(response, 413, "payload_too_large")


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("keep", [0, 5, -4])
async def test_a_damaged_body_is_refused(coding: str, keep: int) -> None:
    """Cut short, empty or plain: 400."""
    body = COMPRESS[coding](BODY)[:keep]
    async with Client() as client:
        response = await client.post(
            PATH, content=body, headers={"content-type": "application/json", "content-encoding": coding}
        )
        check_error(response, 400, "invalid_request")


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip"])
async def test_an_unknown_coding_is_unsupported(coding: str) -> None:
    """415, with those that are supported."""
    async with Client() as client:
        response = await client.post(
            PATH, content=BODY, headers={"content-type": "application/json", "content-encoding": coding}
        )
        assert "gzip, zstd" in check_error(response, 415, "unsupported_media_type")["error"]


async def test_the_limit_of_chat_is_a_setting() -> None:
    """A conversation of 70 KB passes by default; the three tasks keep their limit."""
    chat = {"model": "ollama-model", "messages": [{"role": "user", "content": "x" * 70_000}]}
    async with Client() as client:
        assert (await client.post("/v1/chat/completions", json=chat)).status_code == 200
        check_error(await client.post(PATH, json={"prompt": "x" * 70_000}), 413, "payload_too_large")
    async with Client(ALCHEMORSEL_MAX_BODY_BYTES="65536") as client:
        assert (await client.post("/v1/chat/completions", json=chat)).status_code == 413
