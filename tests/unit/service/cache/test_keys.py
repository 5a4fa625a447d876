"""Names of stored things."""

from ai_service.cache.keys import answer_key, model_key


def test_an_answers_key_has_task_model_and_request() -> None:
    """Anybody who looks into the store can tell what a key is about."""
    key = answer_key("0" * 20, "recipe", "0123456789ab", "f" * 32)
    assert key == f"ai:v2:{'0' * 20}:shared:recipe:0123456789ab:{'f' * 32}"


def test_a_models_key_names_its_provider() -> None:
    """Two providers may have models of the same name."""
    assert model_key("ollama", "llama3.2:3b") == "ai:v2:model:ollama:llama3.2:3b"
