"""The access gate that the settings ask for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ai_service.access.gate import AccessGate
from ai_service.access.key_file import KeyFile
from ai_service.cache.redis_store import RedisStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp

    from ai_service.cache.store import Store
    from ai_service.config.settings import Settings
    from ai_service.observability.metrics import Metrics
    from ai_service.observability.structured_log import AccessLog


def with_gate(
    app: ASGIApp,
    settings: Settings,
    *,
    tasks: Mapping[str, str],
    store: Store,
    metrics: Metrics,
    access_log: AccessLog,
) -> ASGIApp:
    """Put an application behind an access gate where API keys are configured.

    Args:
        app: The application.
        settings: The operator's.
        tasks: The task that each path belongs to, for metrics and log.
        store: Counts rates for all processes where it is Redis.
        metrics: Where refusals are counted.
        access_log: Where they are logged.
    """
    if not settings.api_keys_file:
        return app
    from ai_service.access.rates import ProcessRates, SharedRates  # noqa: PLC0415 - slow to import, of use only here

    keys = KeyFile(Path(settings.api_keys_file), scoped=settings.cache_scope == "key")
    rates = SharedRates(store.client) if isinstance(store, RedisStore) else ProcessRates()
    return AccessGate(app, keys, rates, tasks=tasks, metrics=metrics, access_log=access_log)
