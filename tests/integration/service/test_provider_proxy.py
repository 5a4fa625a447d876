"""The provider `openai` behind a real forward proxy, tinyproxy, that asks for a password."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec
import pytest

from ai_service.providers.errors import ProviderError
from ai_service.providers.openai import OpenAIProvider
from ai_service.transport.http_client import HTTPClient, read
from lab.llamacpp_process import LlamaCppProcess
from lab.packages import ensure_program
from lab.ports import free_port, listens
from tests.contract.certificates import Authority
from tests.contract.test_provider import TASKS, prompt_for
from tests.unit.service.transport.scripted_server import OK, ScriptedServer
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STOP_S = 20
PROMPT = msgspec.structs.replace(
    prompt_for(TASKS["recipe"]),
    messages=({"role": "user", "content": "Name two herbs"},),
    schema=None,
    max_tokens=24,
    callers_own=True,
)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[str]:
    """Run tinyproxy on loopback, for one user; its address without the user."""
    ensure_program("tinyproxy", "tinyproxy", units=("tinyproxy.service",))
    port, config = free_port(), tmp_path / "tinyproxy.conf"
    config.write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 600\nBasicAuth user s3cret\n")
    process = subprocess.Popen(["tinyproxy", "-d", "-c", str(config)], stdout=subprocess.DEVNULL)
    try:
        until(listens(port))
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(STOP_S)


async def test_an_answer_streams_through_the_proxy(proxy: str) -> None:
    """Of a real model server; without the password the proxy's refusal is the reason."""
    texts: list[str] = []
    with LlamaCppProcess() as server:
        for user in ("user:s3cret@", ""):
            provider = OpenAIProvider(
                f"{server.url}/v1", server.model, api_key="", timeout_s=60, proxy=f"http://{user}{proxy}"
            )
            try:
                if user:
                    completion = await provider.complete(PROMPT, texts.append)
                else:
                    with pytest.raises(ProviderError, match="407"):
                        await provider.inspect()
            finally:
                await provider.close()
    assert completion.text
    assert "".join(texts) == completion.text
    assert len(texts) > 1


async def test_tls_is_spoken_with_the_server_and_not_with_the_proxy(proxy: str, tmp_path: Path) -> None:
    """By a tunnel, in which the server's certificate is verified."""
    authority = Authority()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.certify(tmp_path, "127.0.0.1"))
    async with ScriptedServer(OK, tls=context) as server:
        client = HTTPClient(server.url, authorities=authority.pem, proxy=f"http://user:s3cret@{proxy}")
        try:
            for _ in range(2):
                async with asyncio.timeout(20), aclosing(await client.send("GET", "/x")) as response:
                    assert await read(response) == b"ok"
        finally:
            await client.close()
    assert [request.line for request in server.requests] == ["GET /x HTTP/1.1"] * 2
    assert "proxy-authorization" not in server.requests[0].headers
