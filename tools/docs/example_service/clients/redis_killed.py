"""Ask 200 times a second, and kill Redis meanwhile: ``python redis_killed.py URL PID``.

Open loop: requests start when they are due, however slow the others are, and their time counts from that moment.
"""

import asyncio
import os
import re
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from statistics import median

import httpx

RATE = 200
SECONDS = 12
KILL_AT_S = 5.0
NEW_EVERY = 2 * RATE
"""Every 2 s a new question, the others are stored ones."""
DEADLINE_S = 30.0
"""What the service was started with; a request may take a second more to come and go."""
STORED = [{"partial": [word]} for word in ("tomato", "leek", "lentil", "barley", "quince")]


@dataclass
class Request:
    """What became of one."""

    due_s: float
    is_new: bool
    late_s: float = 0.0
    seconds: float = 0.0
    status: int = 0
    """0: no answer."""
    cache_status: str = ""
    is_same: bool = False
    """The bytes are those that were stored."""


async def main(url: str, pid: int) -> None:
    """Have answers stored, ask for them, kill, go on asking, and say what came."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=2 * DEADLINE_S, limits=limits) as client:

        async def ask(question: object) -> httpx.Response:
            return await client.post("/api/v1/ai/suggest-ingredients", json=question)

        bodies = [(await ask(question)).content for question in STORED]
        print(f"{len(bodies)} answers computed and stored; then only they are asked for, and a new question every 2 s")
        begun = time.monotonic()

        async def one(number: int) -> Request:
            is_new = number % NEW_EVERY == NEW_EVERY // 2
            request = Request(number / RATE, is_new)
            await asyncio.sleep(begun + request.due_s - time.monotonic())
            request.late_s = time.monotonic() - begun - request.due_s
            place = number % len(STORED)
            try:
                answer = await ask({"partial": ["new", str(number)]} if is_new else STORED[place])
            except httpx.HTTPError as error:
                request.cache_status = type(error).__name__
            else:
                request.status = answer.status_code
                request.cache_status = answer.headers.get("cache-status", "none")
                request.is_same = answer.content == bodies[place]
            request.seconds = time.monotonic() - begun - request.due_s
            return request

        async def kill() -> float:
            await asyncio.sleep(begun + KILL_AT_S - time.monotonic())
            os.kill(pid, signal.SIGKILL)
            killed_s = time.monotonic() - begun
            print(f"t={killed_s:.2f} s: kill -9 of redis-server", flush=True)
            return killed_s

        killing = asyncio.create_task(kill())
        requests = await asyncio.gather(*(one(number) for number in range(RATE * SECONDS)))
        tell(requests, await killing)


def tell(requests: list[Request], killed_s: float) -> None:
    """Print the counts."""
    for is_new, title in ((False, "stored questions"), (True, "new questions")):
        for is_after, when in ((False, "before"), (True, "after")):
            some = [each for each in requests if each.is_new is is_new and (each.due_s > killed_s) is is_after]
            millis = [each.seconds * 1000 for each in some]
            statuses = ", ".join(f"{count} x {status}" for status, count in Counter(e.status for e in some).items())
            print(
                f"  {title} {when} the kill: {len(some)} asked, by status {statuses};"
                f" p50 {median(millis):.1f} ms, longest {max(millis):.0f} ms"
            )
    stored = [each for each in requests if not each.is_new]
    lost = [each for each in stored if not (each.status == 200 and each.is_same and "; hit" in each.cache_status)]
    past = [each for each in requests if each.seconds > DEADLINE_S + 1]
    print(f"asked {len(requests)} in {SECONDS} s, at most {max(e.late_s for e in requests) * 1000:.0f} ms late")
    print(f"no answer: {sum(each.status == 0 for each in requests)}")
    print(f"past the deadline of {DEADLINE_S:g} s: {len(past)}")
    print(f"stored questions answered by anything but a hit with the same bytes: {len(lost)} of {len(stored)}")
    for is_after, when in ((False, "before"), (True, "after")):
        some = [each for each in requests if (each.due_s > killed_s) is is_after]
        counts = Counter(re.sub(r"ttl=\d+", "ttl=...", each.cache_status) for each in some)
        for status, count in counts.most_common():
            print(f"{count:5} x Cache-Status, asked {when} the kill: {status}")


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
