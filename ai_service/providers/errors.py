"""What goes wrong with a provider. None of it reaches a caller: the next provider is tried.

ProviderError
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

# ruff: noqa: N818 - named as what they stand for, without "Error" on every one

import math

from ai_service.errors import AlchemorselError


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
