"""Keys of answers as they are now: under the task's epoch and the digest of the model that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.cache.keys import UNKNOWN_MODEL, answer_key, answers_of

if TYPE_CHECKING:
    from ai_service.cache.epochs import Epochs
    from ai_service.health.observer import Observer
    from ai_service.tasks import Task
    from ai_service.tasks.request_parser import ParsedRequest


class CurrentKeys:
    """Build the keys under which answers are looked up and stored.

    Args:
        epochs: The tasks' epochs.
        observer: Knows the models' digests.
    """

    def __init__(self, epochs: Epochs, observer: Observer) -> None:
        self._epochs = epochs
        self._observer = observer

    def key(self, task: str, scope: str, model: str, request_digest: str) -> str:
        """Return the key of an answer.

        Args:
            task: Name of the task.
            scope: Who finds the answer.
            model: Name of the model that is asked.
            request_digest: Of the canonical request.
        """
        return answer_key(self._epochs.current(task), scope, task, self._observer.digest_of(model), request_digest)

    def of(self, task: Task, parsed: ParsedRequest, scope: str) -> str:
        """Return the key of the answer to a task's request."""
        return self.key(task.name, scope, task.model_of(parsed.request), parsed.digest)

    def is_current(self, key: str, task: str) -> bool:
        """Return whether nothing of a task was purged since the key was built."""
        return key.startswith(answers_of(self._epochs.current(task)))


def names_model(key: str) -> bool:
    """Return whether the model's digest was known when the key was built; nothing is stored under another one."""
    return f":{UNKNOWN_MODEL}:" not in key
