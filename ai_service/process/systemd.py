"""Notify systemd (sd_notify(3))."""

from __future__ import annotations

import asyncio
import logging
import socket

logger = logging.getLogger(__name__)

BEATS_PER_INTERVAL = 3
"""Two may be late before systemd kills the process."""


class Watchdog:
    """Tell systemd from a task of the event loop that the loop runs; systemd kills and restarts a hung process.

    Args:
        address: Value of NOTIFY_SOCKET; "@" starts an abstract socket's name, and "" means no systemd.
        interval_s: Value of WATCHDOG_USEC, in seconds; 0 means no watchdog.
    """

    def __init__(self, address: str, interval_s: float) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._pause_s = interval_s / BEATS_PER_INTERVAL

    async def run(self) -> None:
        """Send WATCHDOG=1 at a third of the interval, until cancelled; return at once where nobody watches."""
        if not self._address or not self._pause_s:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.setblocking(False)
            while True:
                try:
                    channel.sendto(b"WATCHDOG=1", self._address)
                except OSError as error:  # Lost or full: systemd decides what a missing beat means.
                    logger.warning("cannot notify systemd: %s", error.strerror)
                await asyncio.sleep(self._pause_s)
