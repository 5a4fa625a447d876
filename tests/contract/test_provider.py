"""What every provider does. Ollama and OpenAI are fakes that speak real HTTP."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec
import pytest

from ai_service.config.ollama_servers import ServerEntry, ServerList, ServerSource
from ai_service.config.settings import Settings
from ai_service.observability.metrics import Metrics
from ai_service.providers.errors import InvalidAnswer, ProviderTimeout, ProviderUnreachable, TruncatedAnswer
from ai_service.providers.mock import MockProvider
from ai_service.providers.ollama import OllamaProvider
from ai_service.providers.openai import OpenAIProvider
from ai_service.resilience.pool.pool import OllamaPool
from ai_service.tasks import Task, build_tasks
from tests.contract.fake_ollama import FakeOllama
from tests.contract.fake_openai import FakeOpenAI
from tests.unit.service.fakes import ANSWERS, BODIES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ai_service.providers.base import Prompt, Provider
    from tests.contract.certificates import Authority
    from tests.contract.fake_server import FakeServer

TASKS = {task.name: task for task in build_tasks(Settings.from_env({}))}


def prompt_for(task: Task) -> Prompt:
    """Build the prompt of a small request for a task, as a provider receives it."""
    request = msgspec.convert(BODIES[task.path], task.request_type).canonical()
    return task.ask(request)


def ollama(url: str, timeout_s: float = 5.0, load_timeout_s: float = 5.0, model: str = "test:1b") -> OllamaProvider:
    """Create the adapter for a fake server's model."""
    return OllamaProvider(url, model, timeout_s=timeout_s, load_timeout_s=load_timeout_s, num_ctx=2048, keep_alive_s=60)


def openai(url: str, timeout_s: float = 5.0) -> OpenAIProvider:
    """Create the adapter with an API key."""
    return OpenAIProvider(f"{url}/v1", "test", api_key="key", timeout_s=timeout_s)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Close everything opened by a test."""
    async with AsyncExitStack() as opened:
        yield opened


async def make_pool(stack: AsyncExitStack, text: str, mode: str, timeout_s: float) -> Provider:
    """Create a pool of two servers."""
    fakes = [FakeOllama(text), FakeOllama(text)]
    for fake in fakes:
        fake.mode = mode
        await stack.enter_async_context(fake)
    pool = OllamaPool(
        ServerSource(ServerList(tuple(ServerEntry(fake.url) for fake in fakes))),
        ("test:1b",),
        lambda url, model: ollama(url, timeout_s, model=model),
        Metrics(),
        slots=1,
        timeout_s=timeout_s,
        load_timeout_s=5.0,
    )
    stack.push_async_callback(pool.stop)
    return pool.of("test:1b")


async def make(kind: str, stack: AsyncExitStack, text: str, mode: str = "ok", timeout_s: float = 5.0) -> Provider:
    """Create a provider of a kind and, where it needs one, its server."""
    if kind == "mock":
        return MockProvider()
    fake: FakeServer
    provider: Provider
    if kind == "ollama":
        fake = FakeOllama(text)
        fake.mode = mode
        await stack.enter_async_context(fake)
        provider = ollama(fake.url, timeout_s)
    elif kind == "pool":
        provider = await make_pool(stack, text, mode, timeout_s)
    else:
        fake = FakeOpenAI(text)
        fake.mode = mode
        await stack.enter_async_context(fake)
        provider = openai(fake.url, timeout_s)
    stack.push_async_callback(provider.close)
    return provider


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("kind", ["ollama", "openai", "mock", "pool"])
async def test_it_writes_an_answer_that_the_task_accepts(kind: str, task: Task, stack: AsyncExitStack) -> None:
    """Whatever the provider, the caller gets the same shape."""
    provider = await make(kind, stack, json.dumps(ANSWERS[task.name]))
    prompt = prompt_for(task)
    scored = task.judge(await provider.complete(prompt), prompt.request)
    assert 0 < scored.confidence <= 1


@pytest.mark.parametrize("kind", ["ollama", "openai", "mock", "pool"])
async def test_pieces_of_text_are_handed_over_as_they_come(kind: str, stack: AsyncExitStack) -> None:
    """Joined they are the answer, whatever characters are in it."""
    written = json.dumps(ANSWERS["recipe"])[:-1] + ', "x": "\u2028\x85 \N{HOT BEVERAGE}"}'
    provider = await make(kind, stack, written)
    pieces: list[str] = []
    completion = await provider.complete(prompt_for(TASKS["recipe"]), pieces.append)
    assert "".join(pieces) == completion.text
    assert len(pieces) > 10
    assert (completion.text == written) is (kind != "mock")


@pytest.mark.parametrize("kind", ["ollama", "openai", "pool"])
async def test_a_cut_answer_is_an_answer_where_the_caller_set_the_budget(kind: str, stack: AsyncExitStack) -> None:
    """It says that it is cut."""
    provider = await make(kind, stack, "The answer is", "length")
    completion = await provider.complete(msgspec.structs.replace(prompt_for(TASKS["recipe"]), callers_own=True))
    assert (completion.text, completion.finish_reason) == ("The answer is", "length")


@pytest.mark.parametrize("kind", ["ollama", "openai"])
async def test_the_conversation_and_its_options_travel_with_the_request(kind: str, stack: AsyncExitStack) -> None:
    """All of them, under the names of the wire format."""
    fake: FakeServer = FakeOllama("yes") if kind == "ollama" else FakeOpenAI("yes")
    await stack.enter_async_context(fake)
    provider: Provider = ollama(fake.url) if kind == "ollama" else openai(fake.url)
    stack.push_async_callback(provider.close)
    messages = ({"role": "system", "content": "Be short."}, {"role": "user", "content": "Hello"})
    options = {"temperature": 0.0, "seed": 7, "stop": ["x"], "top_p": 0.5}
    prompt = msgspec.structs.replace(prompt_for(TASKS["recipe"]), messages=messages, options=options)
    await provider.complete(prompt)
    body = fake.requests[-1][1]
    assert body["messages"] == list(messages)
    assert options.items() <= (body["options"] if kind == "ollama" else body).items()


@pytest.mark.parametrize("kind", ["ollama", "openai", "mock", "pool"])
async def test_it_names_its_model_by_twelve_digits(kind: str, stack: AsyncExitStack) -> None:
    """They are part of every key."""
    inspection = await (await make(kind, stack, "")).inspect()
    assert len(inspection.digest) == 12


def test_only_the_mock_is_fabricated() -> None:
    """Nothing else may be labelled so, and the mock must be."""
    assert [p.synthetic for p in (MockProvider(), ollama("http://a"), openai("http://a"))] == [True, False, False]


async def test_the_mock_is_deterministic() -> None:
    """Equal requests get equal answers."""
    prompt = prompt_for(TASKS["recipe"])
    assert await MockProvider().complete(prompt) == await MockProvider().complete(prompt)


@pytest.mark.parametrize("kind", ["ollama", "openai", "pool"])
async def test_tokens_are_counted(kind: str, stack: AsyncExitStack) -> None:
    """As the server reports them."""
    completion = await (await make(kind, stack, "{}")).complete(prompt_for(TASKS["nutrition"]))
    assert (completion.prompt_tokens, completion.completion_tokens) == (17, 42)


@pytest.mark.parametrize("kind", ["ollama", "openai", "pool"])
async def test_an_answer_cut_short_is_no_answer(kind: str, stack: AsyncExitStack) -> None:
    """It would be cached, and wrong for hours."""
    provider = await make(kind, stack, json.dumps(ANSWERS["recipe"]), "length")
    with pytest.raises(TruncatedAnswer):
        await provider.complete(prompt_for(TASKS["recipe"]))


@pytest.mark.parametrize("kind", ["ollama", "openai", "pool"])
async def test_an_empty_answer_is_no_answer(kind: str, stack: AsyncExitStack) -> None:
    """Nor is white space."""
    with pytest.raises(InvalidAnswer):
        await (await make(kind, stack, "  ")).complete(prompt_for(TASKS["recipe"]))


@pytest.mark.parametrize("kind", ["ollama", "openai", "pool"])
async def test_a_hung_server_is_given_up(kind: str, stack: AsyncExitStack) -> None:
    """Every call has a deadline."""
    provider = await make(kind, stack, "{}", "hang", timeout_s=0.05)
    with pytest.raises(ProviderTimeout):
        await provider.complete(prompt_for(TASKS["recipe"]))


@pytest.mark.parametrize("kind", ["ollama", "openai"])
async def test_the_next_call_over_tls_takes_the_same_connection(
    kind: str, stack: AsyncExitStack, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new one for each would cost every miss a handshake."""
    (tmp_path / "authority.pem").write_text(authority.pem, encoding="ascii")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    fake: FakeServer = FakeOllama() if kind == "ollama" else FakeOpenAI()
    fake.use_tls(*authority.certify(tmp_path, "127.0.0.1"))
    await stack.enter_async_context(fake)
    provider: Provider = ollama(fake.url) if kind == "ollama" else openai(fake.url)
    stack.push_async_callback(provider.close)
    for _ in range(3):
        await provider.complete(prompt_for(TASKS["recipe"]))
    await provider.inspect()
    assert len(fake.connections) == 1


@pytest.mark.parametrize("kind", ["ollama", "openai", "pool"])
async def test_an_answer_that_is_complete_waits_for_nothing(kind: str, stack: AsyncExitStack) -> None:
    """Whatever the server does with the connection after it."""
    written = json.dumps(ANSWERS["recipe"])
    provider = await make(kind, stack, written, "no_end")
    assert (await provider.complete(prompt_for(TASKS["recipe"]))).text == written


@pytest.mark.parametrize("make_provider", [ollama, openai])
async def test_an_absent_server_is_unreachable(make_provider: type) -> None:
    """For an answer and for a look alike."""
    provider = make_provider("http://127.0.0.1:9")
    with pytest.raises(ProviderUnreachable):
        await provider.complete(prompt_for(TASKS["recipe"]))
    with pytest.raises(ProviderUnreachable):
        await provider.inspect()
    await provider.close()
