"""Wires the service together; the only place that knows which class plays which part."""

from __future__ import annotations

import asyncio
import gc
import logging
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ai_service.access.gate import AccessGate
from ai_service.access.key_file import KeyFile
from ai_service.admin_key import AdminKey
from ai_service.administration import Administration
from ai_service.background import Background
from ai_service.cache.memory import MemoryLayer
from ai_service.cache.memory_store import MemoryStore
from ai_service.cache.purge import Purge
from ai_service.cache.redis_store import RedisStore
from ai_service.cache.response_cache import ResponseCache
from ai_service.cache.shared_flight import SharedFlight
from ai_service.cache.single_flight import SingleFlight
from ai_service.completion import Completions, Outcome
from ai_service.containers import ContainerStatus
from ai_service.health import Observer
from ai_service.leadership import Leadership
from ai_service.metrics import Metrics
from ai_service.openai_api.chat import ChatTask
from ai_service.openai_api.chunks import ChatChunks
from ai_service.openai_api.models import model_routes
from ai_service.openai_api.operations import describe_limits
from ai_service.openapi import build_document
from ai_service.operations import build_operations
from ai_service.probe import InferenceProbe
from ai_service.providers.wiring import build_chain, build_providers
from ai_service.route_table import build_table
from ai_service.routes import Gateway, TaskEndpoint
from ai_service.settings import read_questions
from ai_service.structured_log import AccessLog
from ai_service.tasks import build_tasks
from ai_service.validation import QuestionReader
from ai_service.warmup import COMMON, Warmup

if TYPE_CHECKING:
    import mmap
    from collections.abc import AsyncIterator, Sequence

    from starlette.applications import Starlette
    from starlette.types import ASGIApp

    from ai_service.cache.store import Store
    from ai_service.openapi import Document
    from ai_service.providers.base import Provider
    from ai_service.providers.chain import ProviderChain
    from ai_service.settings import Settings
    from ai_service.tasks import SchemaTask, Task

logger = logging.getLogger(__name__)


def create_app(
    settings: Settings,
    *,
    providers: Sequence[Provider] | None = None,
    store: Store | None = None,
    shared: mmap.mmap | None = None,
) -> ASGIApp:
    """The ASGI application.

    Args:
        settings: The operator's.
        providers: In order; by default those of the settings.
        store: By default that of the settings.
        shared: Memory that the workers of this service share; None where there is one only.
    """
    metrics = Metrics(workers=settings.workers)
    store = store or _build_store(settings, metrics)
    chain = build_chain(settings, providers or build_providers(settings), metrics)
    observer = Observer(chain, store, containers=ContainerStatus(Path(settings.container_status)))
    flights: SingleFlight[Outcome] = SingleFlight()
    background = Background(lambda: chain.primary.queue.idle and observer.primary_usable, metrics)
    memory = MemoryLayer()
    cache = ResponseCache(store, memory)
    completions = Completions(
        cache,
        flights,
        chain,
        observer,
        metrics,
        background=background,
        shared=SharedFlight(store),
        deadline_s=settings.deadline,
        revalidate_s=settings.stale_while_revalidate,
    )
    access_log = _build_access_log(settings)

    tasks = build_tasks(settings)
    chat = _build_chat(settings, chain)
    names = [*(task.name for task in tasks), chat.name]
    purge = Purge(store, memory, names, reach="store" if settings.redis_url else "service", shared=shared)
    warmup = Warmup(
        [(task, QuestionReader(task)) for task in tasks], completions, background, pause_s=settings.warmup_interval
    )
    leadership = Leadership(store)
    probe = InferenceProbe(
        chain.primary,
        next(task for task in tasks if task.name == "ingredients"),
        store,
        background=background,
        leadership=leadership,
        observer=observer,
        interval_s=settings.probe_interval,
    )
    _watch(metrics, chain, store=store, background=background, flights=flights, leadership=leadership)
    questions = read_questions(settings.warmup) if settings.warmup not in {"off", "common"} else COMMON

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await observer.start()
        await purge.start()
        await leadership.start()
        freshener = asyncio.create_task(metrics.keep_fresh())
        _log_ready(settings, observer, store)
        if settings.warmup != "off" and leadership.leads:
            warmup.start_configured(questions)
        probe.start()
        gc.collect()
        gc.freeze()  # What exists by now lives as long as the process; the collector need not look at it again.
        try:
            yield
        finally:
            freshener.cancel()
            await observer.stop()
            await probe.stop()
            await warmup.stop()
            await leadership.stop()
            await purge.stop()
            await background.close()
            await flights.close()
            await cache.drain()
            await chain.close()
            await store.close()
            access_log.flush()

    administration = Administration(
        AdminKey(settings.admin_key),
        tasks=names,
        store=store,
        memory=memory,
        purge=purge,
        warmup=warmup,
        background=background,
        questions=questions,
    )
    operations = build_operations(
        observer,
        metrics,
        administration,
        lifespan,
        document=_describe(settings, tasks, chat),
        access_log=access_log,
        further=model_routes(chat, chain.primary.provider.name),
    )
    gateway = Gateway(_build_endpoints(tasks, chat, completions, metrics, access_log), operations)
    return _with_gate(gateway, settings, tasks=[*tasks, chat], store=store, metrics=metrics, access_log=access_log)


def _build_access_log(settings: Settings) -> AccessLog:
    level = settings.log_level
    return AccessLog(enabled=level in {"debug", "info"}, debug=level == "debug", prompts=settings.log_prompts == "yes")


def _build_endpoints(
    tasks: Sequence[Task], chat: ChatTask, completions: Completions, metrics: Metrics, access_log: AccessLog
) -> list[TaskEndpoint]:
    endpoints = [TaskEndpoint(task, completions, metrics, access_log) for task in tasks]
    return [*endpoints, TaskEndpoint(chat, completions, metrics, access_log, events=ChatChunks)]


def _describe(settings: Settings, tasks: Sequence[SchemaTask], chat: ChatTask) -> Document:
    document = build_document(build_table(tasks), keys=bool(settings.api_keys_file))
    describe_limits(document, chat)
    return document


def _with_gate(
    gateway: Gateway,
    settings: Settings,
    *,
    tasks: Sequence[Task],
    store: Store,
    metrics: Metrics,
    access_log: AccessLog,
) -> ASGIApp:
    """The gateway, behind a gate where keys are configured."""
    if not settings.api_keys_file:
        return gateway
    from ai_service.access.rates import ProcessRates, SharedRates  # noqa: PLC0415 - slow to import, of use only here

    paths = {task.path: task.name for task in tasks}
    keys = KeyFile(Path(settings.api_keys_file))
    rates = SharedRates(store) if isinstance(store, RedisStore) else ProcessRates()
    return AccessGate(gateway, keys, rates, tasks=paths, metrics=metrics, access_log=access_log)


def _watch(
    metrics: Metrics,
    chain: ProviderChain,
    *,
    store: Store,
    background: Background,
    flights: SingleFlight[Outcome],
    leadership: Leadership,
) -> None:
    queue = chain.primary.queue
    metrics.watch("queue_waiting", "Calls that wait for the primary provider.", lambda: queue.waiting)
    metrics.watch("queue_running", "Calls that the primary provider works on.", lambda: queue.running)
    metrics.watch("store_available", "Whether the store answers.", lambda: store.available, across="livemin")
    metrics.watch("background_waiting", "Refreshes and warm-ups that wait for an idle moment.", lambda: len(background))
    metrics.watch("flights", "Computations under way.", lambda: len(flights))
    metrics.watch("leader", "Processes that do scheduled work; 1 with a shared store.", lambda: leadership.leads)


def _build_chat(settings: Settings, chain: ProviderChain) -> ChatTask:
    return ChatTask(
        model=chain.primary.provider.model,
        ttl_s=settings.chat_ttl,
        max_tokens=settings.chat_max_tokens,
        num_ctx=settings.ollama_num_ctx,
    )


def _build_store(settings: Settings, metrics: Metrics) -> Store:
    if not settings.redis_url:
        return MemoryStore()
    return RedisStore(
        settings.redis_url,
        username=settings.redis_username,
        password=settings.redis_password,
        authorities=settings.redis_ca,
        on_failure=metrics.store_failure,
    )


def _log_ready(settings: Settings, observer: Observer, store: Store) -> None:
    """One line that tells a newcomer on a laptop, and an operator on a host, what answers will be like."""
    report = observer.report()
    primary = report["providers"][0]
    notes = []
    if not settings.redis_url:
        notes.append("no ALCHEMORSEL_REDIS_URL: answers are cached in this process's memory")
    elif not store.available:
        notes.append("Redis does not answer: going on without it")
    if not settings.api_keys_file:
        notes.append("no ALCHEMORSEL_API_KEYS_FILE: everybody who reaches the port may ask")
    if not primary["usable"]:
        others = [p["name"] for p in report["providers"][1:] if p["usable"]]
        then = f"answers come from {others[0]} and are labelled degraded" if others else "nothing can be computed"
        notes.append(f"{primary['name']} ({primary['model']}) cannot be used ({primary['problem']}): {then}")
    logger.info("ready%s", "; " + "; ".join(notes) if notes else "", extra={"fields": {"status": report["status"]}})
