"""Many people who ask at the same moment, at so little cost of their own that what they wait for is the service.

A whole HTTP client takes about a millisecond of CPU time a request, so a hundred of them would wait for each other.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.errors import TargetError
from tools.perf.peers.wrk import JSON_BODY

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Mapping

DEADLINE_S = 60.0


async def ask_together(url: str, body: str, people: int, headers: Mapping[str, str] = JSON_BODY) -> list[float]:
    """Send one and the same POST request over so many connections, which are open before.

    Args:
        url: Where to; plain HTTP.
        body: JSON.
        people: How many.
        headers: Of every request.

    Returns:
        Seconds from the moment of sending to the last byte of the answer, for each.

    Raises:
        TargetError: An answer has another status than 200, or does not come within a minute.
    """
    parts = urlsplit(url)
    payload = body.encode()
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{fields}"
    request = f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload
    connections: list[tuple[StreamReader, StreamWriter]] = []
    try:
        async with asyncio.timeout(DEADLINE_S):
            for _ in range(people):
                opened = await asyncio.open_connection(parts.hostname, parts.port)
                connections.append(opened)
            started = time.perf_counter()
            for _, writer in connections:
                writer.write(request)
            return await asyncio.gather(*(_receive(reader, started) for reader, _ in connections))
    except (TimeoutError, OSError, EOFError) as error:
        raise TargetError(f"{url}: not all of {people} requests were answered: {error!r}") from error
    finally:
        for _, writer in connections:
            writer.close()


async def _receive(reader: StreamReader, started: float) -> float:
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().splitlines()
    if status.split()[1] != "200":
        raise TargetError(f"expected status 200, got {status}")
    if "transfer-encoding: chunked" in lines:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    else:
        length = next(int(line.partition(":")[2]) for line in lines if line.startswith("content-length:"))
        await reader.readexactly(length)
    return time.perf_counter() - started
