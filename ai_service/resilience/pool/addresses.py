"""The addresses of a name, as the operating system resolves it."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE_S = 2.0


def look_up(name: str, port: int) -> list[str]:
    """Return the base URLs of all addresses of a name, A and AAAA, sorted.

    Raises:
        OSError: It cannot be resolved.
    """
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    hosts = {str(address[0]) for _, _, _, _, address in found}
    return sorted(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}" for host in hosts)


class AddressLookup:
    """Resolves names, one look-up of a name at a time.

    The C library's resolver cannot be interrupted. It runs in a daemon thread, so that a resolver that hangs keeps
    neither other work nor the end of the process waiting.

    Args:
        resolve: Returns the base URLs of a name and a port; raises OSError.
        deadline_s: Of one look-up.
    """

    def __init__(self, resolve: Callable[[str, int], list[str]] = look_up, *, deadline_s: float = DEADLINE_S) -> None:
        self._resolve = resolve
        self._deadline_s = deadline_s
        self._pending: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def find(self, name: str, port: int) -> list[str]:
        """Return the base URLs of all addresses.

        Raises:
            OSError: It cannot be resolved, or not in time.
        """
        pending = self._pending.get((name, port))
        if pending is None:
            pending = self._pending[name, port] = self._begin(name, port)
        done, _ = await asyncio.wait({pending}, timeout=self._deadline_s)
        if not done:
            raise TimeoutError(f"the resolver did not answer within {self._deadline_s:g} s")
        del self._pending[name, port]
        return pending.result()

    def _begin(self, name: str, port: int) -> asyncio.Future[list[str]]:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[str]] = loop.create_future()
        found.add_done_callback(lambda future: future.cancelled() or future.exception())  # Nobody may be there to see.

        def end(urls: list[str], error: OSError | None) -> None:
            if error is None:
                found.set_result(urls)
            else:
                found.set_exception(error)

        def work() -> None:
            urls: list[str] = []
            failure: OSError | None = None
            try:
                urls = self._resolve(name, port)
            except OSError as error:
                failure = error
            except UnicodeError as error:  # Of a label that is too long or empty.
                failure = OSError(str(error))
            with suppress(RuntimeError):  # The loop has ended meanwhile.
                loop.call_soon_threadsafe(end, urls, failure)

        threading.Thread(target=work, name=f"resolve {name}", daemon=True).start()
        return found
