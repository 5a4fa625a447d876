"""The list of Ollama servers as it is now: its file, and the addresses of its names."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ai_service.resilience.pool.report import PoolProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ai_service.config.ollama_servers import ServerEntry, ServerSource
    from ai_service.resilience.pool.addresses import AddressLookup

RESOLVE_S = 5.0

logger = logging.getLogger("ai_service.resilience.pool.pool")


class WatchedList:
    """Read the list again when its file changes, and resolve its names every few seconds.

    Args:
        source: The list. A wrong one changes nothing; the problems say so.
        models: Those that are asked of Ollama.
        addresses: Resolves the names of `dns+http://` entries.
        clock: Monotonic seconds.

    Attributes:
        current: The list as it was last read.
    """

    def __init__(
        self, source: ServerSource, models: Sequence[str], addresses: AddressLookup, *, clock: Callable[[], float]
    ) -> None:
        self.current = source.servers
        self._source = source
        self._models = models
        self._addresses = addresses
        self._clock = clock
        self._seen = source.fingerprint()
        self._resolved: dict[str, tuple[str, ...]] = {}
        self._resolve_at = 0.0
        self._problems: dict[str, PoolProblem] = {}

    @property
    def problems(self) -> list[PoolProblem]:
        """What an operator has to correct in file and names."""
        return list(self._problems.values())

    def addresses(self) -> dict[str, ServerEntry]:
        """Return the entry of each server's address; a name stands for all of its own."""
        found = {entry.url: entry for entry in self.current.servers if not entry.is_dns}
        for entry in self.current.servers:
            for url in self._resolved.get(entry.url, ()):
                found.setdefault(url, entry)
        return found

    async def refresh(self) -> bool:
        """Read the file where it changed, and resolve names that are due; return whether anything is different."""
        changed = self._read()
        if self._clock() >= self._resolve_at or changed:
            self._resolve_at = self._clock() + RESOLVE_S
            changed = await self._resolve() or changed
        return changed

    def _read(self) -> bool:
        """Read the file where it changed; return whether there is another list."""
        fingerprint = self._source.fingerprint()
        if fingerprint == self._seen:
            return False
        self._seen = fingerprint
        try:
            servers = self._source.read(self._models)
        except ValueError as error:
            self._blame("servers_file_invalid", self._source.path, f"the list of servers stays as it was: {error}")
            return False
        self._problems.pop(self._source.path, None)
        logger.warning("the list of Ollama servers was read again: %d entries", len(servers.servers))
        self.current = servers
        return True

    async def _resolve(self) -> bool:
        """Resolve all names; return whether an address came or went. One that fails keeps its addresses."""
        names = [entry.url for entry in self.current.servers if entry.is_dns]
        found = await asyncio.gather(*map(self._addresses_of, names))
        before = self._resolved
        self._resolved = {
            name: before.get(name, ()) if urls is None else urls for name, urls in zip(names, found, strict=True)
        }
        for name in before.keys() - self._resolved.keys():
            self._problems.pop(name, None)
        return before != self._resolved

    async def _addresses_of(self, entry_url: str) -> tuple[str, ...] | None:
        parts = urlsplit(entry_url)
        try:
            urls = tuple(await self._addresses.find(parts.hostname or "", parts.port or 0))
        except OSError as error:
            kept = "its addresses stay as they were" if self._resolved.get(entry_url) else "it has no address yet"
            self._blame("name_unresolved", entry_url, f"{kept}: {error.strerror or error}")
            return None
        if self._problems.pop(entry_url, None) is not None:
            logger.warning("%s can be resolved again", entry_url)
        return urls

    def _blame(self, problem: str, subject: str, detail: str) -> None:
        """Note a problem, and log it once."""
        if subject not in self._problems:
            logger.error("%s (%s): %s", subject, problem, detail)
        self._problems[subject] = PoolProblem(problem, subject, detail)
