"""The line of the log that tells what answers will be like, once the service is ready."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_service.cache.store import Store
    from ai_service.config.settings import Settings
    from ai_service.health.observer import Observer

logger = logging.getLogger("ai_service.app")


def log_ready(settings: Settings, observer: Observer, store: Store) -> None:
    """Log one line for a newcomer on a laptop, and for an operator on a host."""
    report = observer.report()
    notes = [*_surroundings(settings, store), *_models(settings, report["providers"])]
    logger.info("ready%s", "; " + "; ".join(notes) if notes else "", extra={"fields": {"status": report["status"]}})


def _surroundings(settings: Settings, store: Store) -> Iterator[str]:
    if not settings.redis_url:
        yield "no ALCHEMORSEL_REDIS_URL: answers are cached in this process's memory"
    elif not store.available:
        yield "Redis does not respond: continuing without it"
    if not settings.api_keys_file:
        yield "no ALCHEMORSEL_API_KEYS_FILE: everybody who reaches the port may ask"
    if settings.cache_scope == "key" and settings.warmup != "off":
        yield "ALCHEMORSEL_CACHE_SCOPE=key: no API key finds the answers of a warm-up"


def _models(settings: Settings, providers: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a note for each model that cannot be used.

    Args:
        settings: The operator's.
        providers: As in the health report: the primary provider of each model first, then the fallbacks.
    """
    primaries = providers[: 1 + len(settings.further_models)]
    others = [each["name"] for each in providers[len(primaries) :] if each["usable"]]
    then = f"answers come from {others[0]} and are labelled degraded" if others else "nothing can be computed"
    for primary in primaries:
        if not primary["usable"]:
            yield f"{primary['name']} ({primary['model']}) cannot be used ({primary['problem']}): {then}"
