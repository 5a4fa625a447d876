"""Raw samples: one record for every request sent, written as JSON lines while the run goes on.

A file of a phase holds `Sample` records and, if the generator ended properly, one `PhaseEnd` as the last line. Times
are nanoseconds of the generator's monotonic clock, relative to the phase's first intended start, so a step of the wall
clock cannot reach a latency.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypedDict

import msgspec

from bench.errors import FileFormatError
from bench.evidence.cache_status import parse_cache_status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


class Sample(msgspec.Struct, frozen=True, tag="sample", kw_only=True):
    """One request and its fate.

    Attributes:
        phase: The workload it belongs to (`bench.load.plan.WORKLOADS`): what it was meant to be.
        task: The service's task.
        index: Number of the request in the workload; equal (task, index) means equal bytes within a run.
        warmup: Sent in the warm-up, so left out of every figure.
        intended_ns: When the request should have started.
        start_ns: When it did start.
        latency_ns: From the *intended* start to the last byte of the answer. In a closed loop both starts are one.
        status: HTTP status, 0 where no answer came.
        cache: Outcome by ``Cache-Status`` (see `bench.evidence.cache_status`).
        cache_detail: Where a hit lay, if said.
        provider: Provider that made the answer.
        model: Model that made the answer.
        degraded: The service labelled the answer as a fallback.
        request_id: The service's name for the request.
        server_timing: The ``Server-Timing`` header as it came.
        retry_after: The ``Retry-After`` header as it came; empty without one.
        failure: Why the request failed; empty for a success.
        token_ns: When each piece of a streamed answer came, from the intended start; empty without a stream.
        digest: Of the envelope's ``data``, so that two answers to one request can be compared; empty for a failure.
    """

    phase: str
    task: str
    index: int
    warmup: bool
    intended_ns: int
    start_ns: int
    latency_ns: int
    status: int = 0
    cache: str = "none"
    cache_detail: str = ""
    provider: str = ""
    model: str = ""
    degraded: bool = False
    request_id: str = ""
    server_timing: str = ""
    retry_after: str = ""
    failure: str = ""
    token_ns: list[int] = []
    digest: str = ""

    @property
    def ok(self) -> bool:
        """Whether the request succeeded."""
        return not self.failure

    @property
    def lag_ns(self) -> int:
        """How late the generator sent the request, in nanoseconds."""
        return self.start_ns - self.intended_ns

    @property
    def service_ns(self) -> int:
        """How long the answer took from when the request was really sent, in nanoseconds."""
        return self.latency_ns - self.lag_ns


class PhaseEnd(msgspec.Struct, frozen=True, tag="end", kw_only=True):
    """The generator's own account of a phase, written last.

    Attributes:
        planned: Arrivals that were due.
        sent: Requests that were sent.
        dropped: Arrivals not sent because too many requests were under way already; each is a failed sample.
        wall_ns: Duration of the phase.
        epoch_ns: The first intended start on the machine's monotonic clock, which the harness reads too.
        cpu_ns: Processor time that the generator used meanwhile; of several processes, the busiest.
        processes: How many processes generated.
        real_time: Whether the kernel ran them before others.
    """

    planned: int
    sent: int
    dropped: int
    wall_ns: int
    cpu_ns: int
    epoch_ns: int = 0
    processes: int = 1
    real_time: bool = False

    @property
    def busy(self) -> float:
        """Share of one core that the busiest process used; 0 where the phase took no time."""
        return self.cpu_ns / self.wall_ns if self.wall_ns else 0.0


def merge_ends(ends: Sequence[PhaseEnd]) -> PhaseEnd:
    """Return the account of a phase that several processes generated together.

    Args:
        ends: Of each process; at least one.
    """
    return PhaseEnd(
        planned=sum(end.planned for end in ends),
        sent=sum(end.sent for end in ends),
        dropped=sum(end.dropped for end in ends),
        wall_ns=max(end.wall_ns for end in ends),
        cpu_ns=max(end.cpu_ns for end in ends),
        epoch_ns=min(end.epoch_ns for end in ends),
        processes=sum(end.processes for end in ends),
        real_time=all(end.real_time for end in ends),
    )


class _Meta(msgspec.Struct):
    provider: str = ""
    model: str = ""
    degraded: bool = False


class _Envelope(msgspec.Struct):
    success: bool
    meta: _Meta
    data: msgspec.Raw = msgspec.Raw()


_envelope = msgspec.json.Decoder(_Envelope)
_record = msgspec.json.Decoder(Sample | PhaseEnd)


MAX_NAME = 300
"""Characters that are kept of what a target calls something."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back for one request, as far as a sample needs it.

    Attributes:
        status: HTTP status, 0 where no answer came.
        headers: Response headers by lower-case name.
        body: The body, decompressed.
        error: Why no answer came; empty where one came.
    """

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""
    error: str = ""


class Outcome(TypedDict):
    """The fields of `Sample` that the answer decides."""

    status: int
    cache: str
    cache_detail: str
    provider: str
    model: str
    degraded: bool
    request_id: str
    server_timing: str
    retry_after: str
    failure: str
    digest: str


def judge_answer(answer: Answer) -> Outcome:
    """Return the fields of `Sample` that an answer decides.

    A 200 is a success only if its body is the service's envelope with ``success: true``: an error page of a proxy
    is a failure, however fast it came.
    """
    headers, cache = answer.headers, parse_cache_status(answer.headers.get("cache-status"))
    outcome = Outcome(
        status=answer.status,
        cache=cache.outcome,
        cache_detail=_printable(cache.detail),
        provider=_printable(headers.get("x-ai-provider", "")),
        model=_printable(headers.get("x-ai-model", "")),
        degraded=False,
        request_id=_printable(headers.get("x-request-id", "")),
        server_timing=_printable(headers.get("server-timing", "")),
        retry_after=_printable(headers.get("retry-after", "")),
        failure=_printable(answer.error),
        digest="",
    )
    if answer.error:
        return outcome
    if answer.status != 200:
        outcome["failure"] = f"HTTP {answer.status}"
        return outcome
    try:
        envelope = _envelope.decode(answer.body)
    except msgspec.MsgspecError:
        outcome["failure"] = "the body is not the service's envelope"
        return outcome
    if envelope.success:
        outcome["digest"] = hashlib.blake2b(envelope.data, digest_size=8).hexdigest()
    else:
        outcome["failure"] = "the envelope says success: false"
    outcome["degraded"] = envelope.meta.degraded
    outcome["provider"] = outcome["provider"] or _printable(envelope.meta.provider)
    outcome["model"] = outcome["model"] or _printable(envelope.meta.model)
    return outcome


def _printable(text: str) -> str:
    """Return what a target calls something, without what would break a terminal, XML or a report's width."""
    if text.isprintable() and len(text) <= MAX_NAME:
        return text
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:MAX_NAME])


def encode_lines(records: Iterable[Sample | PhaseEnd]) -> bytes:
    """Return records as JSON lines."""
    return msgspec.json.Encoder().encode_lines(records)


def read_samples(path: Path) -> tuple[list[Sample], PhaseEnd | None]:
    """Read a file of samples; a last line cut short by an interrupted generator is left out.

    Args:
        path: File of JSON lines.

    Returns:
        The samples in the order they were written, and the phase's end if it was reached.

    Raises:
        FileFormatError: A line is no record.
    """
    samples: list[Sample] = []
    end: PhaseEnd | None = None
    if not path.exists():
        return samples, end
    *lines, _unfinished = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        try:
            record = _record.decode(line)
        except msgspec.MsgspecError as error:
            raise FileFormatError(f"not a sample: {error}", str(path), number, 1) from error
        if isinstance(record, PhaseEnd):
            end = record
        else:
            samples.append(record)
    return samples, end
