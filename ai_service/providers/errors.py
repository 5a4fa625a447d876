"""What goes wrong with a provider. None of it reaches a caller: the next provider is tried.

ProviderError
├── ProviderUnreachable       no connection
│   └── ConnectionBroken      it broke before the answer was complete
├── ProviderTimeout           connected, but silent for too long
├── ProviderFailed            an error status, an error line, or not the wire format
│   ├── ModelMissing
│   ├── CredentialsRejected
│   └── RequestRejected       400, 413 or 422: the provider cannot do what it is asked
├── ProviderOverloaded        429 or 503
├── InvalidAnswer             does not fit the task's schema, or the caller's
│   ├── TruncatedAnswer       cut short by the token budget
│   ├── IncompleteAnswer      ended without saying that it is complete
│   └── OnlyThoughts          reasoning, and nothing after it
├── QueueFull                 refused by our own admission queue
├── Preempted                 background work that gave its slot to a caller
└── CircuitOpen               refused by our own circuit breaker

What the caller has to change is no ProviderError but a RequestError, which ends the request: a prompt longer than the
context, or a request that the provider rejects.
"""

# ruff: noqa: N818 - named as what they stand for, without "Error" on every one

from ai_service.errors import AlchemorselError

REJECTED_COOL_OFF_S = 30.0
"""Between two calls with a key that is refused."""


class ProviderError(AlchemorselError):
    """A provider gave no usable answer.

    Attributes:
        outcome: Value of the `outcome` label in the metrics.
        trips: Whether the circuit breaker counts it as a failure.
        heard: Whether some text had come by then.
        cool_off_s: Opens the breaker at once for so many seconds; None leaves it to the breaker's own count.
    """

    outcome = "error"
    trips = True
    heard = False

    def __init__(self, message: str, *, cool_off_s: float | None = None) -> None:
        super().__init__(message)
        self.cool_off_s = cool_off_s


class ProviderUnreachable(ProviderError):
    """No connection could be made."""

    outcome = "unreachable"


class ConnectionBroken(ProviderUnreachable):
    """The connection ended before the answer was complete."""


class ProviderTimeout(ProviderError):
    """The model was not loaded in time, or no text came for too long."""

    outcome = "timeout"


class ProviderFailed(ProviderError):
    """An error status, an error line in a stream, or an answer that is not the provider's wire format."""

    outcome = "failed"


class ModelMissing(ProviderFailed):
    """The provider does not have the configured model."""

    outcome = "model_missing"


class CredentialsRejected(ProviderFailed):
    """401 or 403: the key is refused, until it is enabled again where it was made."""

    outcome = "credentials_rejected"

    def __init__(self, message: str) -> None:
        super().__init__(message, cool_off_s=REJECTED_COOL_OFF_S)


class RequestRejected(ProviderFailed):
    """400, 413 or 422: the provider cannot do what it is asked.

    Where a caller chose what is asked, the caller has to change it, and no breaker may open: one caller could shut out
    all others.
    """

    outcome = "rejected"


class ProviderOverloaded(ProviderError):
    """429 or 503: the provider asks for less."""

    outcome = "overloaded"


class InvalidAnswer(ProviderError):
    """The model answered, but not what the schema asks for."""

    outcome = "invalid"
    trips = False


class TruncatedAnswer(InvalidAnswer):
    """The token budget ended before the answer did."""

    outcome = "truncated"


class IncompleteAnswer(InvalidAnswer):
    """The answer ended without a word that it is complete.

    Ollama's JSON mode ends so where the model writes nothing but white space any more.
    """

    outcome = "incomplete"


class OnlyThoughts(InvalidAnswer):
    """A thinking model reasoned, and wrote no answer."""

    outcome = "only_thoughts"


class QueueFull(ProviderError):
    """The admission queue in front of the provider is full."""

    outcome = "queue_full"
    trips = False

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Preempted(ProviderError):
    """Background work ended, because a caller needs its slot."""

    outcome = "preempted"
    trips = False


class CircuitOpen(ProviderError):
    """The circuit breaker lets no call through now."""

    outcome = "circuit_open"
    trips = False

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
