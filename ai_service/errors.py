"""Every exception the service raises on purpose, and the HTTP status a caller sees.

AlchemorselError
├── ConfigurationError            exit status 78, all mistakes at once
├── RequestError                  the caller's turn
│   ├── InvalidRequest            400
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
├── ServiceUnavailable            503, with Retry-After
├── AnswerInterrupted             502, in a stream that has begun
├── DeadlineExceeded              504
├── NotCached                     504, `Cache-Control: only-if-cached`
└── ProviderError                 never reaches a caller: the next provider is tried
    ├── ProviderUnreachable       no connection, or it broke
    ├── ProviderTimeout           connected, but too slow
    ├── ProviderFailed            an error status, an error line, or not the wire format
    │   ├── ModelMissing
    │   └── CredentialsRejected
    ├── ProviderOverloaded        429 or 503
    ├── RequestRejected           failed, maybe because of what the caller asked for
    ├── InvalidAnswer             does not fit the task's schema
    │   └── TruncatedAnswer       cut short by the token budget
    ├── QueueFull                 refused by our own admission queue
    └── CircuitOpen               refused by our own circuit breaker
"""

# ruff: noqa: N818 - named as HTTP names what they stand for, without "Error" on every one

import math


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


class HTTPError(AlchemorselError):
    """An error that has an HTTP status.

    Attributes:
        status: HTTP status code.
        code: Stable snake_case word for programs.
        details: Field problems: `{"field": path, "problem": sentence}`.
        retry_after_s: Value of `Retry-After` in seconds, where the status has one.
    """

    status = 500
    code = "internal_error"

    def __init__(
        self, message: str, *, details: list[dict[str, str]] | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.details = details
        self.retry_after_s = retry_after_s


class RequestError(HTTPError):
    """The request cannot be answered as it is; sending it again will not help."""


class InvalidRequest(RequestError):
    """Not JSON, a wrong type, a missing, empty or unknown field."""

    status = 400
    code = "invalid_request"


class Unauthorized(RequestError):
    """No key, or a wrong one.

    Attributes:
        challenge: Value of the `WWW-Authenticate` header (RFC 6750, section 3).
    """

    status = 401
    code = "unauthorized"

    def __init__(self, message: str, *, presented: bool = False) -> None:
        super().__init__(message)
        self.challenge = 'Bearer realm="alchemorsel"' + ', error="invalid_token"' * presented


class Forbidden(RequestError):
    """The key is right, but opens another route."""

    status = 403
    code = "forbidden"


class NotFound(RequestError):
    """No such route."""

    status = 404
    code = "not_found"


class ModelNotFound(RequestError):
    """No such model."""

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


class Conflict(RequestError):
    """Not now: the same is under way already."""

    status = 409
    code = "conflict"


class PayloadTooLarge(RequestError):
    """The body is larger than the limit."""

    status = 413
    code = "payload_too_large"


class UnsupportedMediaType(RequestError):
    """The content type is not JSON."""

    status = 415
    code = "unsupported_media_type"


class UnprocessableRequest(RequestError):
    """Well-formed, but impossible: a negative number of calories."""

    status = 422
    code = "unprocessable_request"


class TooManyRequests(RequestError):
    """The key's rate is used up for now."""

    status = 429
    code = "rate_limited"


class ServiceUnavailable(HTTPError):
    """No provider could answer and nothing stale is stored."""

    status = 503
    code = "unavailable"


class AnswerInterrupted(HTTPError):
    """A streamed answer broke off after some of it was sent: no other provider may go on with it."""

    status = 502
    code = "answer_interrupted"


class DeadlineExceeded(HTTPError):
    """The whole request's deadline passed."""

    status = 504
    code = "deadline_exceeded"


class NotCached(HTTPError):
    """The caller asked for a stored answer only, and there is none (RFC 9111, section 5.2.1.7)."""

    status = 504
    code = "not_cached"


class Disconnected(AlchemorselError):
    """The client went away before its request was complete."""


class ProviderError(AlchemorselError):
    """A provider gave no usable answer.

    Attributes:
        outcome: Value of the `outcome` label in the metrics.
        trips: Whether the circuit breaker counts it as a failure.
        cool_off_s: Opens the breaker at once for so many seconds; None leaves it to the breaker's own count.
    """

    outcome = "error"
    trips = True

    def __init__(self, message: str, *, cool_off_s: float | None = None) -> None:
        super().__init__(message)
        self.cool_off_s = cool_off_s


class ProviderUnreachable(ProviderError):
    """No connection could be made, or it broke before the answer was complete."""

    outcome = "unreachable"


class ProviderTimeout(ProviderError):
    """The deadline for loading the model or for inference passed."""

    outcome = "timeout"


class ProviderFailed(ProviderError):
    """An error status, an error line in a stream, or an answer that is not the provider's wire format."""

    outcome = "failed"


class ModelMissing(ProviderFailed):
    """The provider does not have the configured model."""

    outcome = "model_missing"


class CredentialsRejected(ProviderFailed):
    """401 or 403: no further call can succeed until the configuration changes."""

    outcome = "credentials_rejected"

    def __init__(self, message: str) -> None:
        super().__init__(message, cool_off_s=math.inf)


class ProviderOverloaded(ProviderError):
    """429 or 503: the provider asks for less."""

    outcome = "overloaded"


class RequestRejected(ProviderError):
    """The provider failed at a JSON schema of the caller's: nobody can say whose fault it is.

    Ollama answers 500 to a schema that it cannot read. If that opened the circuit breaker, one caller could shut out
    all others.
    """

    outcome = "rejected"
    trips = False


class InvalidAnswer(ProviderError):
    """The model answered, but not what the task's schema asks for."""

    outcome = "invalid"
    trips = False


class TruncatedAnswer(InvalidAnswer):
    """The token budget ended before the answer did."""

    outcome = "truncated"


class QueueFull(ProviderError):
    """The admission queue in front of the provider is full."""

    outcome = "queue_full"
    trips = False

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class CircuitOpen(ProviderError):
    """The circuit breaker lets no call through now."""

    outcome = "circuit_open"
    trips = False

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
