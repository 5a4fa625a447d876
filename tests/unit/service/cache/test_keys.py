"""Names of stored things."""

import re

from ai_service.cache.keys import SHARED, answer_key, answers_of, model_key, scope_of

EPOCH = "0" * 20


def test_an_answers_key_has_scope_task_model_and_request() -> None:
    """Anybody who looks into the store can tell what a key is about."""
    key = answer_key(EPOCH, SHARED, "recipe", "0123456789ab", "f" * 32)
    assert key == f"ai:v2:{EPOCH}:shared:recipe:0123456789ab:{'f' * 32}"


def test_a_scope_is_short_and_does_not_show_the_name() -> None:
    """Equal names have equal scopes, others have others, and none is the shared one."""
    scopes = {scope_of(name) for name in ("web", "job", "shared", "w" * 64)}
    assert len(scopes) == 4
    assert all(re.fullmatch("[0-9a-f]{16}", scope) for scope in scopes)
    assert scope_of("web") == scope_of("web")


def test_a_tasks_answers_begin_alike_whatever_the_scope() -> None:
    """By the epoch, which is the task's own."""
    for scope in (SHARED, scope_of("web")):
        assert answer_key(EPOCH, scope, "recipe", "0123456789ab", "f" * 32).startswith(answers_of(EPOCH))


def test_a_models_key_names_its_provider() -> None:
    """Two providers may have models of the same name."""
    assert model_key("ollama", "llama3.2:3b") == "ai:v2:model:ollama:llama3.2:3b"
