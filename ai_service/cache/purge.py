"""Forgetting answers: in the store, in this process, and soon after in every other one."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Literal, Protocol

from ai_service.cache.keys import answers_of, generation_key

if TYPE_CHECKING:
    import mmap
    from collections.abc import Sequence

    from ai_service.cache.memory import MemoryLayer
    from ai_service.cache.store import Store

INTERVAL_S = 1.0
MARK_TTL_S = 3600.0
"""Far longer than any process needs to see a mark, or than an answer takes to compute."""
MARK_BYTES = 8
SHARED_BYTES = 4096
"""A page of memory, the least that can be mapped: more marks than there will ever be tasks."""

Reach = Literal["store", "service"]


class Marks(Protocol):
    """One for each task; changes with each purge, for every process to see."""

    async def read(self) -> dict[str, bytes]:
        """The marks of now, by task; without those that say nothing."""

    async def change(self, task: str) -> bool:
        """Sets a new mark; False where that failed."""


class StoreMarks:
    """Marks in the store: the generations that answers are computed under.

    Args:
        store: The store.
        tasks: Names of the tasks.
    """

    def __init__(self, store: Store, tasks: Sequence[str]) -> None:
        self._store = store
        self._tasks = tuple(tasks)

    async def read(self) -> dict[str, bytes]:
        """See Marks."""
        values = await asyncio.gather(*(self._store.get(generation_key(task)) for task in self._tasks))
        return {task: value for task, value in zip(self._tasks, values, strict=True) if value is not None}

    async def change(self, task: str) -> bool:
        """See Marks."""
        return await self._store.set(generation_key(task), secrets.token_bytes(MARK_BYTES), MARK_TTL_S)


class SharedMemoryMarks:
    """Marks in memory that the workers of one service share.

    Args:
        shared: Of `SHARED_BYTES`, mapped before the workers were forked.
        tasks: Names of the tasks, in the same order in every worker.
    """

    def __init__(self, shared: mmap.mmap, tasks: Sequence[str]) -> None:
        self._shared = shared
        self._places = {task: slice(place * MARK_BYTES, (place + 1) * MARK_BYTES) for place, task in enumerate(tasks)}

    async def read(self) -> dict[str, bytes]:
        """See Marks."""
        return {task: self._shared[place] for task, place in self._places.items()}

    async def change(self, task: str) -> bool:
        """See Marks."""
        self._shared[self._places[task]] = secrets.token_bytes(MARK_BYTES)
        return True


class Purge:
    """Purges, and notices the purges of other processes.

    A purge begins and ends with new marks. Those at the beginning keep what is being computed from being stored
    afterwards; each process looks at those at the end every second and forgets all that it holds of the task: half the
    time within which a purged answer has to be gone everywhere, and gone for good, even where the store is lost right
    after.

    Args:
        store: The store.
        memory: The layer in front of it.
        tasks: Names of the tasks.
        reach: `store` where one store is shared by all who use it, `service` where each process has one of its own.
        shared: Memory that the workers of this service share; None where there is one only.
        interval_s: Seconds between two looks.

    Attributes:
        reach: As given.
    """

    def __init__(
        self,
        store: Store,
        memory: MemoryLayer,
        tasks: Sequence[str],
        *,
        reach: Reach,
        shared: mmap.mmap | None = None,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self.reach = reach
        self._store = store
        self._memory = memory
        self._in_store = StoreMarks(store, tasks)
        self._marks: list[Marks] = [] if shared is None else [SharedMemoryMarks(shared, tasks)]
        if reach == "store":
            self._marks.append(self._in_store)
        self._interval_s = interval_s
        self._seen: dict[tuple[int, str], bytes] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Remembers today's marks, and watches them from now on."""
        await self._changed()
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Ends the watching."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def purge(self, task: str) -> int | None:
        """Forgets the answers of a task, those included that are being computed.

        Args:
            task: Its name.

        Returns:
            How many the store held; None where it is down, so that only the workers of this service forget theirs.
        """
        removed = await self._forget(task)
        told = [await marks.change(task) for marks in self._marks]
        await self._changed()
        return removed if all(told) else None

    async def look(self) -> None:
        """Looks at the marks once; one that ran out says nothing."""
        for task in await self._changed():
            if self.reach == "store":
                self._memory.drop_all(answers_of(task))
            else:
                await self._forget(task)

    async def _forget(self, task: str) -> int | None:
        """Forgets in the store and in this process."""
        await self._in_store.change(task)  # A full store refuses this, but not the removal.
        removed = await self._store.purge(answers_of(task))
        self._memory.drop_all(answers_of(task))
        return removed

    async def _changed(self) -> set[str]:
        """The tasks whose marks are others than at the last look."""
        now = {
            (place, task): mark
            for place, marks in enumerate(self._marks)
            for task, mark in (await marks.read()).items()
        }
        changed = {task for (place, task), mark in now.items() if self._seen.get((place, task)) != mark}
        self._seen |= now
        return changed

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            await self.look()
