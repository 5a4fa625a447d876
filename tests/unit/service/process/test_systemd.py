"""Beats for systemd's watchdog, over a real datagram socket."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

from ai_service.process.systemd import Watchdog

if TYPE_CHECKING:
    from pathlib import Path

BEAT = b"WATCHDOG=1"
INTERVAL_S = 0.15


@pytest.mark.parametrize("abstract", [False, True])
async def test_a_hung_loop_sends_no_beat(tmp_path: Path, *, abstract: bool) -> None:
    """Systemd kills it then; a loop that runs beats on."""
    address = f"@alchemorsel-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0{address[1:]}" if abstract else address)
        systemd.setblocking(False)
        beating = asyncio.create_task(Watchdog(address, INTERVAL_S).run())
        assert [await next_beat(systemd) for _ in range(3)] == [BEAT] * 3
        time.sleep(4 * INTERVAL_S)  # noqa: ASYNC251 - this is what hangs the loop
        with pytest.raises(BlockingIOError):
            systemd.recv(64)
        assert await next_beat(systemd) == BEAT
        beating.cancel()


async def test_a_lost_systemd_ends_nothing(tmp_path: Path) -> None:
    """Whoever restarts it binds the socket anew."""
    path = str(tmp_path / "notify")
    beating = asyncio.create_task(Watchdog(path, INTERVAL_S).run())
    await asyncio.sleep(INTERVAL_S)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.setblocking(False)
        assert await next_beat(systemd) == BEAT
    beating.cancel()


@pytest.mark.parametrize(("address", "interval_s"), [("", 1.0), ("/run/notify", 0.0)])
async def test_without_a_watchdog_nothing_is_sent(address: str, interval_s: float) -> None:
    """On a laptop, and in a unit without WatchdogSec."""
    await Watchdog(address, interval_s).run()


async def next_beat(systemd: socket.socket) -> bytes:
    """Receive what systemd is sent next."""
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(systemd, 64), 10)
