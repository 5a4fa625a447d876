"""Wires the service together; the only place that knows which class plays which part."""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ai_service.access.admin_key import AdminKey
from ai_service.access.wiring import with_gate
from ai_service.answers.embedding_service import TASK as EMBEDDINGS
from ai_service.answers.warmup import COMMON, Warmup
from ai_service.answers.wiring import build_use_cases
from ai_service.cache.memory_store import MemoryStore
from ai_service.cache.redis_client import RedisClient
from ai_service.cache.redis_store import RedisStore
from ai_service.config.warmup_file import read_warmup_requests
from ai_service.endpoints import build_endpoints, task_of_path
from ai_service.gauges import register_gauges
from ai_service.health.containers import ContainerStatus
from ai_service.health.leadership import Leadership
from ai_service.health.observer import Observer
from ai_service.health.probe import InferenceProbe
from ai_service.http.admin_routes import AdminRoutes
from ai_service.http.cache_entries_routes import CacheEntriesRoutes
from ai_service.http.cors import with_cors
from ai_service.http.operator_routes import build_operations
from ai_service.http.request_history import RequestHistory
from ai_service.http.request_history_routes import RequestHistoryRoutes
from ai_service.http.task_router import TaskRouter
from ai_service.observability.metrics import Metrics
from ai_service.observability.multiprocess_metrics import MetricsFolder
from ai_service.observability.structured_log import STANDARD_ERROR, AccessLog
from ai_service.ollama_api.model_routes import ollama_routes
from ai_service.openai.chat import ChatTask
from ai_service.openai.models import model_routes
from ai_service.openai.operations import describe_limits
from ai_service.openapi.document import build_document
from ai_service.process.systemd import Watchdog
from ai_service.ready_line import log_ready
from ai_service.resilience.idle_queue import IdleQueue
from ai_service.resilience.wiring import build_chains
from ai_service.route_table import build_table
from ai_service.tasks import build_tasks
from ai_service.tasks.request_parser import RequestParser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence

    from starlette.applications import Starlette
    from starlette.types import ASGIApp

    from ai_service.cache.store import Store
    from ai_service.config.settings import Settings
    from ai_service.observability.log_writer import LogWriter
    from ai_service.openapi.document import Document
    from ai_service.providers.base import Provider
    from ai_service.resilience.model_chains import ModelChains
    from ai_service.tasks import SchemaTask


def create_app(
    settings: Settings,
    *,
    providers: Sequence[Provider] | None = None,
    store: Store | None = None,
    log: LogWriter = STANDARD_ERROR,
) -> ASGIApp:
    """Build the ASGI application.

    Args:
        settings: The operator's.
        providers: In order; by default those of the settings.
        store: By default that of the settings.
        log: Where requests are logged.
    """
    folder = _open_metrics_folder(settings)
    metrics = Metrics(folder)
    store = store or _build_store(settings, metrics)
    chains = build_chains(settings, metrics, providers)
    observer = Observer(
        chains, store, instance=settings.instance, containers=ContainerStatus(Path(settings.container_status))
    )
    background = IdleQueue(lambda: _is_idle(chains) and observer.primary_usable, metrics)
    tasks = build_tasks(settings)
    chat = _build_chat(settings, chains)
    names = [*(task.name for task in tasks), chat.name, EMBEDDINGS]
    use_cases = build_use_cases(
        settings, names, store=store, chains=chains, observer=observer, metrics=metrics, background=background
    )
    history = RequestHistory(store, instance=settings.instance)
    access_log = _build_access_log(settings, log, history)
    warmup = Warmup(
        [(task, RequestParser(task)) for task in tasks],
        use_cases.computer,
        background,
        pause_s=settings.warmup_interval,
    )
    leadership = Leadership(store)
    probe = InferenceProbe(
        chains.primary,
        next(task for task in tasks if task.name == "ingredients"),
        store,
        background=background,
        leadership=leadership,
        observer=observer,
        interval_s=settings.probe_interval,
    )
    register_gauges(metrics, chains, use_cases, store=store, background=background, leadership=leadership, log=log)
    requests = COMMON if settings.warmup in {"off", "common"} else read_warmup_requests(settings.warmup)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:  # Each part ends before those that were started before it.
            if folder is not None:
                stack.callback(folder.leave)
            _close_at_end(stack, store.close, history.close, use_cases.hits.close)
            stack.callback(access_log.flush)
            _start_loops(stack, Watchdog(settings.notify_socket, settings.watchdog_s).run(), metrics.keep_fresh())
            _close_at_end(
                stack,
                use_cases.usage.close,
                chains.close,
                use_cases.flights.close,
                use_cases.vectors.close,
                background.close,
            )
            await chains.start()
            stack.push_async_callback(observer.stop)
            await observer.start()
            for part in (use_cases.epochs, leadership):
                stack.push_async_callback(part.stop)
                await part.start()
            log_ready(settings, observer, store)
            _close_at_end(stack, warmup.stop, probe.stop)
            if settings.warmup != "off" and leadership.leads:
                warmup.start_configured(requests)
            probe.start()
            stack.callback(observer.drain)
            _freeze_memory()
            yield

    administration = AdminRoutes(
        AdminKey(settings.admin_key),
        instance=settings.instance,
        tasks=names,
        store=store,
        memory=use_cases.memory,
        epochs=use_cases.epochs,
        usage=use_cases.usage,
        warmup=warmup,
        background=background,
        requests=requests,
    )
    operations = build_operations(
        observer,
        metrics,
        administration,
        lifespan,
        document=_describe(settings, tasks, chat),
        access_log=access_log,
        further=[
            *model_routes(chat, chains, observer),
            *ollama_routes(chat, observer),
            *RequestHistoryRoutes(AdminKey(settings.admin_key), history).routes(),
            *CacheEntriesRoutes(
                AdminKey(settings.admin_key),
                tasks=[name for name in names if name != EMBEDDINGS],
                store=store,
                epochs=use_cases.epochs,
                hits=use_cases.hits,
            ).routes(),
        ],
    )
    router = TaskRouter(
        build_endpoints(tasks, chat, use_cases.answers, use_cases.embeddings, metrics=metrics, access_log=access_log),
        operations,
    )
    gated = with_gate(
        router,
        settings,
        tasks=task_of_path([*tasks, chat]),
        store=store,
        metrics=metrics,
        access_log=access_log,
    )
    return with_cors(gated, settings.cors_origins)


def _start_loops(stack: AsyncExitStack, *loops: Coroutine[Any, Any, None]) -> None:
    for loop in loops:
        stack.callback(asyncio.create_task(loop).cancel)


def _close_at_end(stack: AsyncExitStack, *ends: Callable[[], Awaitable[None]]) -> None:
    """Have these called at the end, the last one first."""
    for end in ends:
        stack.push_async_callback(end)


def _open_metrics_folder(settings: Settings) -> MetricsFolder | None:
    if not settings.metrics_folder:
        return None
    folder = MetricsFolder(Path(settings.metrics_folder), settings.instance)
    return folder if folder.open() else None


def _freeze_memory() -> None:
    """Exempt from garbage collection what exists by now: it lives as long as the process."""
    gc.collect()
    gc.freeze()


def _build_access_log(settings: Settings, log: LogWriter, history: RequestHistory) -> AccessLog:
    level = settings.log_level
    return AccessLog(
        log,
        enabled=level in {"debug", "info"},
        debug=level == "debug",
        prompts=settings.log_prompts == "yes",
        keep=history.record,
    )


def _describe(settings: Settings, tasks: Sequence[SchemaTask], chat: ChatTask) -> Document:
    document = build_document(build_table(tasks), keys=bool(settings.api_keys_file))
    describe_limits(document, chat)
    return document


def _is_idle(chains: ModelChains) -> bool:
    return all(link.queue.idle for link in chains.primaries)


def _build_chat(settings: Settings, chains: ModelChains) -> ChatTask:
    return ChatTask(
        models=chains.models,
        aliases=dict(settings.model_aliases),
        ttl_s=settings.chat_ttl,
        max_tokens=settings.chat_max_tokens,
        num_ctx=settings.ollama_num_ctx,
        max_body_bytes=settings.max_body_bytes,
        drops_unsupported=settings.unsupported_parameters == "drop",
    )


def _build_store(settings: Settings, metrics: Metrics) -> Store:
    if not settings.redis_url:
        return MemoryStore()
    client = RedisClient(
        settings.redis_url,
        username=settings.redis_username,
        password=settings.redis_password,
        authorities=settings.redis_ca,
        on_failure=metrics.store_failure,
        timeout_s=settings.redis_timeout,
    )
    return RedisStore(client)
