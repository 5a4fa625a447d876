"""How the answers of a route look on the wire."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

from ai_service.http.task_events import TaskEvents

if TYPE_CHECKING:
    from ai_service.answers.answer_result import AnswerResult
    from ai_service.http.event_stream import Events
    from ai_service.tasks import Task
    from ai_service.tasks.request_parser import ParsedRequest


class WireFormat(Protocol):
    """How the answers of a route look on the wire.

    Attributes:
        streams_by_default: Whether a request that does not say so gets a stream.
        renders: Whether an answer has another body than the stored one.
        reads_any_type: Whether requests need not be said to be JSON.
    """

    @property
    def streams_by_default(self) -> bool:
        """See WireFormat."""

    @property
    def renders(self) -> bool:
        """See WireFormat."""

    @property
    def reads_any_type(self) -> bool:
        """See WireFormat."""

    def render(self, result: AnswerResult, total_s: float) -> bytes:
        """Return the body of an answer that took so many seconds."""

    def events(self, parsed: ParsedRequest, /) -> Events:
        """Return what encodes one stream."""


class StoredFormat(ABC):
    """A wire format in which answers are stored."""

    streams_by_default = False
    renders = False
    reads_any_type = False

    def render(self, result: AnswerResult, _total_s: float) -> bytes:
        """See WireFormat."""
        return result.entry.body

    @abstractmethod
    def events(self, parsed: ParsedRequest, /) -> Events:
        """See WireFormat."""


class TaskFormat(StoredFormat):
    """The wire format of the three tasks.

    Args:
        task: Which one.
    """

    def __init__(self, task: Task) -> None:
        self._task = task

    def events(self, _parsed: ParsedRequest, /) -> TaskEvents:
        """See WireFormat."""
        return TaskEvents(self._task)
