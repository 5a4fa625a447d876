"""Connections from where the tests run: to the hosts, this machine is an outsider."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Longer than a TCP retransmission (1 s), so that one lost packet is no closed port.
_SILENCE_S = 2.5


async def _answers(address: str, port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), _SILENCE_S)
    except TimeoutError:
        return False
    except OSError as error:  # refused: whatever filters packets let the question through
        return isinstance(error, ConnectionRefusedError)
    writer.close()
    return True


def answering(address: str, ports: Iterable[int]) -> set[int]:
    """Those of the TCP ports that accept or refuse a connection from here, and so are not closed to outsiders."""
    wanted = sorted(set(ports))

    async def knock() -> set[int]:
        answers = await asyncio.gather(*(_answers(address, port) for port in wanted))
        return {port for port, answer in zip(wanted, answers, strict=True) if answer}

    return asyncio.run(knock())
