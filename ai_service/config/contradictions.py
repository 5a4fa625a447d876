"""Settings that do not go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ai_service.config.environment import PREFIX
from ai_service.config.ollama_servers import models_without_server

if TYPE_CHECKING:
    from collections.abc import Mapping


def contradictions(values: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each contradiction.

    Args:
        values: By the fields' names; those that could not be read are missing.
    """
    mistakes: list[str] = []
    if values.get("provider") == "openai" and not values.get("openai_base_url", "unknown"):
        mistakes.append(f"{PREFIX}AI_PROVIDER=openai: expected {PREFIX}OPENAI_BASE_URL to be set as well")
    if values.get("redis_username") and not values.get("redis_password", "unknown"):
        mistakes.append(f"{PREFIX}REDIS_USERNAME: expected {PREFIX}REDIS_PASSWORD_FILE to be set as well")
    if values.get("redis_ca") and not values.get("redis_url", "rediss:").startswith("rediss:"):
        mistakes.append(f"{PREFIX}REDIS_CA_FILE: expected {PREFIX}REDIS_URL to start with rediss:// then")
    if values.get("admin_key") and values.get("api_keys_file"):
        mistakes.append(
            f"{PREFIX}ADMIN_KEY_FILE: expected it unset beside {PREFIX}API_KEYS_FILE; "
            "give a key there the role admin instead"
        )
    if values.get("cache_scope") == "key" and not values.get("api_keys_file", "unknown"):
        mistakes.append(f"{PREFIX}CACHE_SCOPE=key: expected {PREFIX}API_KEYS_FILE to be set as well")
    if values.get("metrics_folder") and not values.get("instance", "unknown"):
        mistakes.append(f"{PREFIX}METRICS_FOLDER: expected {PREFIX}INSTANCE to be set as well")
    if values.get("profile") == "prod":
        for name, chosen in (("AI_PROVIDER", values.get("provider")), ("AI_FALLBACKS", values.get("fallbacks"))):
            if chosen and "mock" in chosen:
                mistakes.append(f"{PREFIX}{name}: expected no mock with {PREFIX}PROFILE=prod: it makes answers up")
    deadline, silence = values.get("deadline"), values.get("ollama_timeout")
    if deadline is not None and silence is not None and deadline < silence:
        mistakes.append(
            f"{PREFIX}DEADLINE: expected at least the {silence:g} s of {PREFIX}OLLAMA_TIMEOUT, got {deadline:g} s"
        )
    redis_timeout = values.get("redis_timeout")
    if deadline is not None and redis_timeout is not None and deadline < redis_timeout:
        mistakes.append(
            f"{PREFIX}REDIS_TIMEOUT: expected at most the {deadline:g} s of {PREFIX}DEADLINE, got {redis_timeout:g} s"
        )
    return [*mistakes, *_alias_mistakes(values), *_server_mistakes(values)]


def _server_mistakes(values: Mapping[str, Any]) -> list[str]:
    """Return the models that the service asks of Ollama, and that no server of the list has."""
    source, provider, model = values.get("ollama_servers"), values.get("provider"), values.get("ollama_model")
    if source is None or model is None or "ollama" not in {provider, *values.get("fallbacks", ())}:
        return []
    names = ("recipe_model", "ingredients_model", "nutrition_model")
    further = [*(values.get(name, "") for name in names), *values.get("models", ())] if provider == "ollama" else []
    models = dict.fromkeys(name for name in (model, *further) if name)
    return [
        f"{PREFIX}OLLAMA_SERVERS: no server has the model {model}: name it in models of one, or leave models out there"
        for model in models_without_server(source.servers, models)
    ]


def _alias_mistakes(values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with aliases: they name models that are served, and are no models themselves."""
    names = ("recipe_model", "ingredients_model", "nutrition_model")
    default = values.get("openai_model" if values.get("provider") == "openai" else "ollama_model", "")
    served = {default, *(values.get(name, "") for name in names), *values.get("models", ())} - {""}
    mistakes = []
    for alias, model in values.get("model_aliases", ()):
        if model not in served:
            mistakes.append(f"{PREFIX}MODEL_ALIASES: {alias}={model}: expected one of {', '.join(sorted(served))}")
        elif alias in served:
            mistakes.append(f"{PREFIX}MODEL_ALIASES: {alias}={model}: expected a name that no model has")
    return mistakes
