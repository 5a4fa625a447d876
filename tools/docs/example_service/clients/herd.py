"""A hundred people ask the same new question at the same moment: ``python herd.py URL``."""

import asyncio
import sys
import time
from collections import Counter

import httpx

PEOPLE = 100
QUESTION = {"prompt": "a lentil soup with roasted peppers", "serving_size": 4}


async def main(url: str) -> None:
    """Ask, and say what came."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
        begun = time.monotonic()
        asking = (client.post("/api/v1/ai/generate-recipe", json=QUESTION) for _ in range(PEOPLE))
        answers = await asyncio.gather(*asking)
        seconds = time.monotonic() - begun
    good = [answer for answer in answers if answer.status_code == 200]
    print(f"answered with status 200: {len(good)} of {PEOPLE}, the last after {seconds:.2f} s")
    print(f"different bodies: {len({answer.content for answer in answers})}")
    for status, count in Counter(answer.headers["cache-status"] for answer in answers).most_common():
        print(f"{count:5} x Cache-Status: {status}")
    for provider, count in Counter(answer.headers["x-ai-provider"] for answer in answers).most_common():
        print(f"{count:5} x X-AI-Provider: {provider}")
    print("the body:", answers[0].text)


asyncio.run(main(sys.argv[1]))
