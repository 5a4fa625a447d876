"""A connection to Redis on which commands follow one another without waiting for answers."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from hiredis import Reader, pack_command
from redis.asyncio.connection import DefaultParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

if TYPE_CHECKING:
    from ai_service.cache.redis_address import RedisAddress

_Answer = asyncio.Future[Any]
_Arguments = tuple[str | bytes | int, ...]
_NOTHING_YET = object()
_NEVER = math.inf
_LATE = "no answer in time"
_EARLY_S = 0.001
"""So much too early uvloop's timers may fire."""


class RedisConnection(asyncio.Protocol):
    """A connection from its first command, for which it is made, until it breaks or is given up.

    Redis answers in the order of the commands. One that nobody waits for any more keeps its place in that order, so its
    answer goes to nobody. A server that stays silent while commands are given up twice is given up with its connection:
    behind a cut network nothing would ever come over it again.

    Args:
        address: Where to.
        timeout_s: So long a command waits for its answer in seconds, connecting and logging in included.

    Attributes:
        ended: Whether it takes no more commands.
    """

    def __init__(self, address: RedisAddress, timeout_s: float) -> None:
        self.ended = False
        self._address = address
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._reader = Reader(
            protocolError=InvalidResponse, replyError=DefaultParser.parse_error, notEnoughData=_NOTHING_YET
        )
        self._transport: asyncio.Transport | None = None
        self._lost = self._loop.create_future()
        self._ready = False
        self._unsent: list[tuple[_Answer, float, _Arguments]] = []
        self._asked: deque[tuple[_Answer, float]] = deque()
        self._held: list[bytes] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._silent = False
        self._opening = self._loop.create_task(self._open())

    def command(self, *arguments: str | bytes | int) -> _Answer:
        """Sends a command, in the order of the calls; on a connection that has not ended.

        Args:
            arguments: Its name, and what it takes.

        Returns:
            Its answer: bytes, integers, None, and lists of them; or a RedisError: it was refused, or there is none.
        """
        answer: _Answer = self._loop.create_future()
        deadline = self._loop.time() + self._timeout_s
        if self._ready:
            self._send(arguments, answer, deadline)
        else:
            self._unsent.append((answer, deadline, arguments))
            self._watch()
        return answer

    async def close(self) -> None:
        """Waits until everybody who asked has an answer, and ends it."""
        while waiting := [answer for answer in self._answers() if not answer.done()]:
            await asyncio.wait(waiting)
        self.abort(RedisConnectionError("the connection was closed"))
        await asyncio.gather(self._opening, return_exceptions=True)
        if self._transport is not None:
            await self._lost

    def abort(self, error: RedisError) -> None:
        """Ends it at once.

        Args:
            error: Everybody who waits gets one like it.
        """
        if self.ended:
            return
        self.ended = True
        self._ready = False
        self._opening.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        for answer in self._answers():
            if not answer.done():
                answer.set_exception(type(error)(str(error)))
        self._unsent.clear()
        self._asked.clear()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)
        if self.ended:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self.ended:
            return
        self._silent = False
        self._reader.feed(data)
        try:
            while (found := self._reader.gets()) is not _NOTHING_YET:
                self._resolve(found)
        except RedisError as error:
            self.abort(error)

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.abort(RedisConnectionError(str(error or "") or "the server closed the connection"))
        self._lost.set_result(None)

    async def _open(self) -> None:
        """Connects, logs in, and sends what was asked meanwhile."""
        try:
            await self._address.connect(self)
            for arguments in self._address.login():
                answer: _Answer = self._loop.create_future()
                self._send(arguments, answer, _NEVER)
                await answer
        except RedisError as error:
            self.abort(error)
        except Exception as error:  # noqa: BLE001 - whatever happens, nobody is left waiting
            self.abort(RedisConnectionError(f"no connection to {self._address}: {error or type(error).__name__}"))
        else:
            unsent, self._unsent, self._ready = self._unsent, [], True
            for waiting, deadline, arguments in unsent:
                if not waiting.done():
                    self._send(arguments, waiting, deadline)

    def _send(self, arguments: _Arguments, answer: _Answer, deadline: float) -> None:
        """Writes the first command of a turn of the loop at once, and those that follow in the same turn together."""
        assert self._transport is not None
        self._asked.append((answer, deadline))
        packed = pack_command(arguments)  # type: ignore[arg-type] # hiredis says a tuple of one
        if self._held is None:
            self._held = []
            self._transport.write(packed)
            self._loop.call_soon(self._flush)
        else:
            self._held.append(packed)

    def _flush(self) -> None:
        """What can wait until the first command is on its way."""
        held, self._held = self._held, None
        if self.ended or self._transport is None:
            return
        if held:
            self._transport.write(b"".join(held))
        self._watch()

    def _watch(self) -> None:
        """Has an eye on the deadlines."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout_s, self._give_up)

    def _resolve(self, found: Any) -> None:
        """Gives the oldest command its answer."""
        if not self._asked:
            raise InvalidResponse("Redis answers what nobody asked")
        answer, _ = self._asked.popleft()
        if answer.done():
            return
        if isinstance(found, RedisError):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def _give_up(self) -> None:
        """Ends the waits that took too long; deadlines are in the order of the commands."""
        self._timer = None
        now = self._loop.time()
        given_up = False
        for answer, deadline, *_ in self._asked if self._ready else self._unsent:
            if answer.done():
                continue
            if deadline > now + _EARLY_S:
                self._timer = self._loop.call_later(deadline - now, self._give_up)
                break
            answer.set_exception(RedisTimeoutError(_LATE))
            given_up = True
        if given_up and self._silent:
            self.abort(RedisTimeoutError(_LATE))
        self._silent = self._silent or given_up

    def _answers(self) -> list[_Answer]:
        return [*(answer for answer, _ in self._asked), *(answer for answer, _, _ in self._unsent)]
