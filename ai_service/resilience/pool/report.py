"""What the health report says of the pool."""

from __future__ import annotations

import msgspec


class ServerModelHealth(msgspec.Struct, frozen=True):
    """A model on one server.

    Attributes:
        digest: First 12 digits; "" where the server does not list the model, or was not seen.
        resident: Whether it is in memory; null where that is unknown.
        running: Requests being answered.
        problem: `model_missing`, `digest_differs`, or why the last check failed; "" without a problem.
    """

    name: str
    digest: str
    resident: bool | None
    running: int
    problem: str


class ServerHealth(msgspec.Struct, frozen=True):
    """State of one Ollama server.

    Attributes:
        url: Its address.
        entry: The entry of the list that it is of: the same, or a `dns+http://` name.
        state: `ready` or `drain`, as the list says.
        breaker: State of its circuit breaker: `open` while it rests after a failure.
        problem: Why it rests; "" where it does not.
        slots: Requests that one of its models works on at a time.
        running: Requests being answered, by all its models.
        weight: As the list says.
        models: The service's models that are asked of it.
    """

    url: str
    entry: str
    state: str
    breaker: str
    problem: str
    slots: int
    running: int
    weight: int
    models: list[ServerModelHealth]


class PoolProblem(msgspec.Struct, frozen=True):
    """Something that an operator has to correct.

    Attributes:
        problem: `servers_file_invalid`, `name_unresolved`, `no_server`, `digests_differ` or `digest_mismatch`.
        subject: The file, name or model.
        detail: What is wrong, in a sentence.
    """

    problem: str
    subject: str
    detail: str
