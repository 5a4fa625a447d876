"""Calls beside the load (readiness, counters, models): the whole answer within a deadline, and of a bounded size."""

from __future__ import annotations

import time

import httpx

from bench.load.whole_answer import UnfinishedAnswerError, read_whole


def fetch(client: httpx.Client, method: str, path: str, seconds: float, body: object = None) -> httpx.Response:
    """Send a request and read the whole answer.

    Args:
        client: With the base URL.
        method: Of the request.
        path: Below the base URL.
        seconds: For the whole answer.
        body: Sent as JSON; None for none.

    Raises:
        httpx.HTTPError: No answer, or one that does not end within the bounds.
    """
    began = time.monotonic()
    with client.stream(method, path, json=body) as response:
        try:
            whole = b"".join(read_whole(response, began, most_seconds=seconds))
        except UnfinishedAnswerError as error:
            raise httpx.ReadTimeout(f"{path}: {error}", request=response.request) from error
    return httpx.Response(response.status_code, content=whole, request=response.request)
