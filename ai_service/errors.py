"""Every exception that ends a request or the program on purpose, and the HTTP status a caller sees.

AlchemorselError
├── ConfigurationError            exit status 78, all mistakes at once
├── ListenError                   exit status 1
├── RequestError                  the caller's turn
│   ├── InvalidRequest            400
│   ├── UnsupportedRequest        400, no provider can do that
│   ├── ContextLengthExceeded     400, the prompt is longer than the model's context
│   ├── Unauthorized              401, with WWW-Authenticate
│   ├── Forbidden                 403
│   ├── NotFound                  404
│   ├── ModelNotFound             404
│   ├── MethodNotAllowed          405
│   ├── RequestTimeout            408
│   ├── Conflict                  409
│   ├── PayloadTooLarge           413
│   ├── UnsupportedMediaType      415
│   ├── UnprocessableRequest      422
│   └── TooManyRequests           429, with Retry-After
│       └── TokenBudgetExceeded   429, until the next UTC day
├── ServiceUnavailable            503, with Retry-After
├── AnswerInterrupted             502, in a stream that has begun
├── DeadlineExceeded              504
├── NotCached                     504, `Cache-Control: only-if-cached`
└── ProviderError                 never reaches a caller: `providers/errors.py`
"""

# ruff: noqa: N818 - named as HTTP names what they stand for, without "Error" on every one

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ai_service.skipped_providers import Skipped


class AlchemorselError(Exception):
    """Root of the tree."""


class ConfigurationError(AlchemorselError):
    """The settings are wrong.

    Attributes:
        mistakes: One sentence each, all that were found.
    """

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        super().__init__("The settings are wrong:\n" + "\n".join(f"  {mistake}" for mistake in mistakes))


class ListenError(AlchemorselError):
    """The socket cannot be bound.

    Args:
        address: A path, or host and port.
        problem: What is wrong with it.
    """

    def __init__(self, address: str, problem: str) -> None:
        super().__init__(f"Cannot listen on {address}: {problem}")


class HTTPError(AlchemorselError):
    """An error that has an HTTP status.

    Attributes:
        status: HTTP status code.
        code: Stable snake_case word for programs.
        details: Field problems: `{"field": path, "problem": sentence}`.
        retry_after_s: Value of `Retry-After` in seconds, where the status has one.
        skipped: The providers that gave no answer, with reason and time.
        closes: Whether the connection is closed after it, since the caller may be sending a body that nobody reads.
    """

    status = 500
    code = "internal_error"
    closes = False

    def __init__(
        self,
        message: str,
        *,
        details: list[dict[str, str]] | None = None,
        retry_after_s: float | None = None,
        skipped: Sequence[Skipped] = (),
    ) -> None:
        super().__init__(message)
        self.details = details
        self.retry_after_s = retry_after_s
        self.skipped = tuple(skipped)


class RequestError(HTTPError):
    """The request cannot be answered as it is; sending it again will not help."""


class InvalidRequest(RequestError):
    """The request is not JSON, has a field of a wrong type, or a missing, empty or unknown one."""

    status = 400
    code = "invalid_request"


class UnsupportedRequest(RequestError):
    """The provider does not support a JSON schema or an option of the request."""

    status = 400
    code = "unsupported_request"


class ContextLengthExceeded(RequestError):
    """The prompt is longer than the model's context."""

    status = 400
    code = "context_length_exceeded"


class Unauthorized(RequestError):
    """The API key is missing or unknown.

    Attributes:
        challenge: Value of the `WWW-Authenticate` header (RFC 6750, section 3).
    """

    status = 401
    code = "unauthorized"
    closes = True

    def __init__(self, message: str, *, presented: bool = False) -> None:
        super().__init__(message)
        self.challenge = 'Bearer realm="alchemorsel"' + ', error="invalid_token"' * presented


class Forbidden(RequestError):
    """The API key does not permit this route."""

    status = 403
    code = "forbidden"


class NotFound(RequestError):
    """No such route."""

    status = 404
    code = "not_found"


class RequestNotFound(RequestError):
    """The request is not among the last ones that are kept."""

    status = 404
    code = "request_not_found"


class ModelNotFound(RequestError):
    """The model does not exist."""

    status = 404
    code = "model_not_found"


class MethodNotAllowed(RequestError):
    """The route exists, with another method.

    Attributes:
        allow: Value of the `Allow` header.
    """

    status = 405
    code = "method_not_allowed"

    def __init__(self, message: str, *, allow: str) -> None:
        super().__init__(message)
        self.allow = allow


class RequestTimeout(RequestError):
    """The body did not arrive in time."""

    status = 408
    code = "request_timeout"
    closes = True


class Conflict(RequestError):
    """The same operation is already running."""

    status = 409
    code = "conflict"


class PayloadTooLarge(RequestError):
    """The body is larger than the limit."""

    status = 413
    code = "payload_too_large"
    closes = True


class UnsupportedMediaType(RequestError):
    """The content type is not JSON."""

    status = 415
    code = "unsupported_media_type"
    closes = True


class UnprocessableRequest(RequestError):
    """A value is well-formed but impossible, such as a negative number of calories."""

    status = 422
    code = "unprocessable_request"


class TooManyRequests(RequestError):
    """The API key's rate limit is exceeded."""

    status = 429
    code = "rate_limited"


class TokenBudgetExceeded(TooManyRequests):
    """The API key's token budget of the day is used up, and the answer is not cached."""

    code = "token_budget_exceeded"


class ServiceUnavailable(HTTPError):
    """No provider can answer and no stale answer is stored, or the cache's store is down."""

    status = 503
    code = "unavailable"


class AnswerInterrupted(HTTPError):
    """A streamed answer broke off after a part of it was sent, so that no other provider can continue it."""

    status = 502
    code = "answer_interrupted"


class DeadlineExceeded(HTTPError):
    """The deadline of the whole request passed."""

    status = 504
    code = "deadline_exceeded"


class NotCached(HTTPError):
    """The request accepts a cached answer only, and none is cached (RFC 9111, section 5.2.1.7)."""

    status = 504
    code = "not_cached"


class Disconnected(AlchemorselError):
    """The client went away before its request was complete."""
