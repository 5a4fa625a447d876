"""The endpoints that are in a hurry, in every wire format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.answers.embedding_service import TASK as EMBEDDINGS
from ai_service.http.embedding_endpoint import EmbeddingEndpoint
from ai_service.http.task_endpoint import TaskEndpoint
from ai_service.ollama_api.answers import OllamaAnswers
from ai_service.ollama_api.embeddings import OllamaEmbed, OllamaEmbeddings
from ai_service.ollama_api.tasks import OllamaChatTask, OllamaGenerateTask
from ai_service.openai.chat import ChatTask
from ai_service.openai.chunks import OpenAIFormat
from ai_service.openai.embeddings import OpenAIEmbeddings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from starlette.types import ASGIApp

    from ai_service.answers.answer_service import AnswerService
    from ai_service.answers.embedding_service import EmbeddingService
    from ai_service.http.wire_format import WireFormat
    from ai_service.observability.metrics import Metrics
    from ai_service.observability.structured_log import AccessLog
    from ai_service.tasks import Task


def build_endpoints(
    tasks: Sequence[Task],
    chat: ChatTask,
    answers: AnswerService,
    embeddings: EmbeddingService,
    *,
    metrics: Metrics,
    access_log: AccessLog,
) -> dict[str, ASGIApp]:
    """Return the endpoints of tasks and embeddings by their paths.

    Args:
        tasks: The three tasks.
        chat: The task `chat`, whose answers all formats of a conversation share.
        answers: Answers tasks.
        embeddings: Answers requests for vectors.
        metrics: Where requests are counted.
        access_log: Where they are logged.
    """
    formats: list[tuple[Task, WireFormat | None]] = [
        *((task, None) for task in tasks),
        (chat, OpenAIFormat()),
        (OllamaChatTask(chat), OllamaAnswers(generate=False)),
        (OllamaGenerateTask(chat), OllamaAnswers(generate=True)),
    ]
    endpoints: dict[str, ASGIApp] = {
        task.path: TaskEndpoint(task, answers, metrics, access_log, wire_format=form) for task, form in formats
    }
    for form in (OpenAIEmbeddings(chat.resolve), OllamaEmbed(chat.resolve), OllamaEmbeddings(chat.resolve)):
        endpoints[form.path] = EmbeddingEndpoint(
            form, embeddings, metrics, access_log, max_body_bytes=chat.max_body_bytes
        )
    return endpoints


def task_of_path(tasks: Iterable[Task]) -> dict[str, str]:
    """Return the task that each path belongs to, for metrics and log.

    Args:
        tasks: The three tasks and `chat`.
    """
    paths = {task.path: task.name for task in tasks}
    paths |= dict.fromkeys((OllamaChatTask.path, OllamaGenerateTask.path), ChatTask.name)
    return paths | dict.fromkeys((OpenAIEmbeddings.path, OllamaEmbed.path, OllamaEmbeddings.path), EMBEDDINGS)
