"""Embeddings: each text's vector by itself in the cache, so that a batch asks only for what is missing."""

from __future__ import annotations

import asyncio
import time
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from ai_service.answers.caller import ANONYMOUS
from ai_service.answers.current_keys import names_model
from ai_service.cache.entry import Entry
from ai_service.cache.freshness import STALE_IF_ERROR_S
from ai_service.errors import DeadlineExceeded, NotCached, ServiceUnavailable
from ai_service.providers.errors import CircuitOpen, ProviderError, QueueFull

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ai_service.answers.caller import Caller
    from ai_service.answers.current_keys import CurrentKeys
    from ai_service.answers.single_flight import Deliver, SingleFlight
    from ai_service.answers.token_budgets import TokenBudgets
    from ai_service.answers.token_usage import TokenUsage
    from ai_service.cache.response_cache import ResponseCache
    from ai_service.http.cache_control import Directives
    from ai_service.providers.transcript import Transcript
    from ai_service.resilience.model_chains import ModelChains

TASK = "embeddings"
MAX_TEXTS = 2048
"""Of one request."""
BATCH = 32
"""Texts of one call of a provider: its queue is anybody's turn in between."""
RETRY_AFTER_S = 5.0


class EmbeddingRequest(msgspec.Struct, frozen=True):
    """What is asked.

    Attributes:
        model: Name of the model, resolved.
        texts: At least one.
        dimensions: Length of the vectors; None for the model's own.
        truncates: Whether a text longer than the context is cut, as Ollama does unless told otherwise.
    """

    model: str
    texts: tuple[str, ...]
    dimensions: int | None = None
    truncates: bool = False


class Embeddings(msgspec.Struct, frozen=True):
    """The vectors, in the order of the texts, each as a JSON array.

    Attributes:
        vectors: See above.
        model: Name of the model.
        provider: Name of the provider.
        computed: Number of distinct texts that were computed; the others come from the cache.
        prompt_tokens: Tokens that were computed, as counted by the provider.
    """

    vectors: tuple[bytes, ...]
    model: str
    provider: str
    computed: int = 0
    prompt_tokens: int = 0


class Computed(msgspec.Struct, frozen=True):
    """Vectors that a provider computed, and the tokens that it counted."""

    vectors: tuple[bytes, ...]
    tokens: int


class EmbeddingService:
    """Answer requests for embeddings, by the primary provider of the named model alone: vectors of another do not fit.

    Args:
        cache: Stored vectors.
        flights: Joins equal batches of this process.
        chains: The providers, by model.
        keys: Of what is stored.
        usage: Counts tokens by API key.
        budgets: Refuses to compute for a key whose token budget is used up.
        deadline_s: For a whole request.
        ttl_s: Time in seconds that a vector stays fresh.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        cache: ResponseCache,
        flights: SingleFlight[Computed],
        chains: ModelChains,
        keys: CurrentKeys,
        *,
        usage: TokenUsage,
        budgets: TokenBudgets,
        deadline_s: float,
        ttl_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._cache = cache
        self._flights = flights
        self._chains = chains
        self._keys = keys
        self._usage = usage
        self._budgets = budgets
        self._deadline_s = deadline_s
        self._ttl_s = ttl_s
        self._clock = clock

    async def embed(
        self, request: EmbeddingRequest, directives: Directives, *, caller: Caller = ANONYMOUS
    ) -> Embeddings:
        """Return the vectors of texts.

        Args:
            request: What is asked.
            directives: The caller's wishes about caching.
            caller: Who asks.

        Raises:
            NotCached: `only-if-cached`, and not all are stored.
            DeadlineExceeded: The deadline passed.
            ServiceUnavailable: The provider gave no answer.
            RequestError: The provider rejects the request.
            TokenBudgetExceeded: The caller's budget is used up, and not all are stored.
        """
        keys = {text: self._key(request, text, caller.scope) for text in request.texts}
        found = {} if directives.bypass else await self._stored(keys)
        missing = [text for text in keys if text not in found]
        tokens = 0
        if missing and directives.only_if_cached:
            raise NotCached("No fresh answer is cached, and the request accepts only cached answers.")
        if missing:
            flight = blake2b("".join(keys[text] for text in missing).encode(), digest_size=16).hexdigest()
            stores = not directives.no_store

            async def compute(_transcript: Transcript, _deliver: Deliver[Computed]) -> Computed:
                return await self._compute(request, missing, keys if stores else {}, caller)

            name = f"{flight}:{stores}"
            if name not in self._flights:
                await self._budgets.check(caller)
            computed = await self._flights.run(name, compute)
            found |= dict(zip(missing, computed.vectors, strict=True))
            tokens = computed.tokens
        provider = self._chains.of(request.model).primary.provider
        vectors = tuple(found[text] for text in request.texts)
        return Embeddings(vectors, request.model, provider.name, len(missing), tokens)

    def _key(self, request: EmbeddingRequest, text: str, scope: str) -> str:
        what = f"{request.dimensions}:{request.truncates}:{text}"
        digest = blake2b(what.encode(errors="surrogatepass"), digest_size=16).hexdigest()
        return self._keys.key(TASK, scope, request.model, digest)

    async def _stored(self, keys: dict[str, str]) -> dict[str, bytes]:
        """Return the fresh vectors that are stored, by their texts."""
        now = self._clock()
        at_hand = {text: self._cache.at_hand(key) for text, key in keys.items()}
        asked = [text for text, entry in at_hand.items() if entry is None]
        for batch in _batches(asked):
            looked = await asyncio.gather(*(self._cache.find(keys[text]) for text in batch))
            at_hand |= dict(zip(batch, looked, strict=True))
        return {
            text: entry[0].body for text, entry in at_hand.items() if entry is not None and entry[0].fresh_until > now
        }

    async def _compute(
        self, request: EmbeddingRequest, texts: Sequence[str], keys: dict[str, str], caller: Caller
    ) -> Computed:
        """Ask the provider, and store each vector under its key; the caller pays, also for a batch before a failure."""
        link = self._chains.of(request.model).primary
        vectors: list[bytes] = []
        tokens = 0
        try:
            async with asyncio.timeout(self._deadline_s):
                for batch in _batches(texts):
                    started = time.perf_counter()
                    answer = await link.embed(batch, dimensions=request.dimensions, truncates=request.truncates)
                    tokens += answer.prompt_tokens
                    seconds = (time.perf_counter() - started) / len(batch)
                    vectors += answer.vectors
                    await self._keep(dict(zip(batch, answer.vectors, strict=True)), keys, seconds, request.model)
        except TimeoutError:
            raise DeadlineExceeded(f"No answer within {self._deadline_s:g} s.") from None
        except ProviderError as error:
            retry_after_s = error.retry_after_s if isinstance(error, QueueFull | CircuitOpen) else RETRY_AFTER_S
            raise ServiceUnavailable(
                "No provider is available at the moment.",
                details=[{"provider": link.provider.name, "problem": error.outcome}],
                retry_after_s=retry_after_s,
            ) from error
        finally:
            answered = int(len(vectors) == len(texts))
            self._usage.add(caller, prompt_tokens=tokens, completion_tokens=0, requests=answered)
        return Computed(tuple(vectors), tokens)

    async def _keep(self, vectors: dict[str, bytes], keys: dict[str, str], seconds: float, model: str) -> None:
        now = self._clock()
        fresh_until = now + self._ttl_s
        common = Entry(
            body=b"",
            created=now,
            fresh_until=fresh_until,
            stale_until=fresh_until + STALE_IF_ERROR_S,
            compute_s=seconds,
            provider=self._chains.of(model).primary.provider.name,
            model=model,
            confidence=1.0,
            degraded=False,
        )
        await asyncio.gather(
            *(
                self._cache.keep(keys[text], msgspec.structs.replace(common, body=vector), now)
                for text, vector in vectors.items()
                if text in keys and names_model(keys[text])
            )
        )


def _batches(texts: Sequence[str]) -> Iterable[Sequence[str]]:
    return (texts[at : at + BATCH] for at in range(0, len(texts), BATCH))
