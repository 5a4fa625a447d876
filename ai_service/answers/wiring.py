"""The use cases that the settings ask for, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ai_service.answers.answer_computer import AnswerComputer
from ai_service.answers.answer_service import AnswerService
from ai_service.answers.current_keys import CurrentKeys
from ai_service.answers.embedding_service import EmbeddingService
from ai_service.answers.single_flight import SingleFlight
from ai_service.answers.token_budgets import TokenBudgets
from ai_service.answers.token_usage import TokenUsage
from ai_service.cache.compute_lock import ComputeLock
from ai_service.cache.epochs import Epochs
from ai_service.cache.hits import CacheHits
from ai_service.cache.memory_layer import MemoryLayer
from ai_service.cache.response_cache import ResponseCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ai_service.answers.answer_result import AnswerResult
    from ai_service.answers.embedding_service import Computed
    from ai_service.cache.store import Store
    from ai_service.config.settings import Settings
    from ai_service.health.observer import Observer
    from ai_service.observability.metrics import Metrics
    from ai_service.resilience.idle_queue import IdleQueue
    from ai_service.resilience.model_chains import ModelChains


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """The use cases with their parts that others show, start or end.

    Attributes:
        answers: Answers tasks.
        embeddings: Answers requests for vectors.
        computer: Computes answers for which no caller waits.
        memory: This process's layer of the cache.
        epochs: Part of every key.
        hits: Counts answers from the cache.
        usage: Counts tokens by API key.
        flights: Computations of answers under way.
        vectors: Computations of vectors under way.
    """

    answers: AnswerService
    embeddings: EmbeddingService
    computer: AnswerComputer
    memory: MemoryLayer
    epochs: Epochs
    hits: CacheHits
    usage: TokenUsage
    flights: SingleFlight[AnswerResult]
    vectors: SingleFlight[Computed]


def build_use_cases(
    settings: Settings,
    names: Sequence[str],
    *,
    store: Store,
    chains: ModelChains,
    observer: Observer,
    metrics: Metrics,
    background: IdleQueue,
) -> UseCases:
    """Return the use cases, over one cache.

    Args:
        settings: The operator's.
        names: Of the tasks that are cached.
        store: Keeps answers.
        chains: The providers, by model.
        observer: Knows the models' digests.
        metrics: Where answers are counted.
        background: Takes refreshes.
    """
    memory = MemoryLayer()
    cache = ResponseCache(store, memory)
    epochs = Epochs(store, memory, names)
    keys = CurrentKeys(epochs, observer)
    hits = CacheHits(store)
    usage = TokenUsage(store)
    budgets = TokenBudgets(usage, metrics)
    flights: SingleFlight[AnswerResult] = SingleFlight()
    vectors: SingleFlight[Computed] = SingleFlight()
    computer = AnswerComputer(
        cache,
        flights,
        ComputeLock(store),
        chains,
        keys,
        metrics=metrics,
        usage=usage,
        budgets=budgets,
        deadline_s=settings.deadline,
    )
    answers = AnswerService(
        cache,
        computer,
        keys,
        chains,
        observer,
        background=background,
        budgets=budgets,
        hits=hits,
        revalidate_s=settings.stale_while_revalidate,
    )
    embeddings = EmbeddingService(
        cache,
        vectors,
        chains,
        keys,
        usage=usage,
        budgets=budgets,
        deadline_s=settings.deadline,
        ttl_s=settings.embeddings_ttl,
    )
    return UseCases(
        answers=answers,
        embeddings=embeddings,
        computer=computer,
        memory=memory,
        epochs=epochs,
        hits=hits,
        usage=usage,
        flights=flights,
        vectors=vectors,
    )
