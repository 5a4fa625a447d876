"""Models in words, as users of Ollama know them from `ollama ps` and `ollama show`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ai_service.cli.service import megabytes

LICENCE_LINES = 4


def loaded_row(model: dict[str, Any]) -> tuple[str, ...]:
    """Return a model in memory as a row: name, ID, size, processor, context, until."""
    return (
        model["name"],
        model["digest"][:12],
        megabytes(model["size"]),
        processor(model),
        str(model.get("context_length") or "unknown"),
        until(model.get("expires_at", ""), datetime.now(UTC)),
    )


def processor(model: dict[str, Any]) -> str:
    """Say on which processor a model lies, and how much of it."""
    size, on_gpu = model["size"], model.get("size_vram", 0)
    if not size or on_gpu >= size:
        return "100% GPU" if size else "unknown"
    share = round(100 * on_gpu / size)
    return f"{100 - share}%/{share}% CPU/GPU" if share else "100% CPU"


def until(expires_at: str, now: datetime) -> str:
    """Say how long a model stays in memory if nobody asks it.

    Args:
        expires_at: RFC 3339; "" where the server does not tell.
        now: The present time.
    """
    try:
        left = (datetime.fromisoformat(expires_at) - now).total_seconds()
    except (ValueError, TypeError):
        return "unknown"
    if left < 0:
        return "stopping"
    for seconds, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if left >= seconds:
            return "forever" if left > 10 * 365 * 86_400 else f"{left / seconds:.0f} {unit} from now"
    return f"{left:.0f} seconds from now"


def described(details: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Return a model's description, as `/api/show` gives it, as rows of names and values by section."""
    info, about = details.get("model_info") or {}, details.get("details") or {}
    architecture = info.get("general.architecture") or about.get("family") or "unknown"
    model = {
        "architecture": architecture,
        "parameters": about.get("parameter_size"),
        "context length": info.get(f"{architecture}.context_length"),
        "embedding length": info.get(f"{architecture}.embedding_length"),
        "quantization": about.get("quantization_level"),
    }
    lines = [line for line in str(details.get("license") or "").splitlines() if line.strip()]
    more = [("", "... (all of it: --json)")] if len(lines) > LICENCE_LINES else []
    return {
        "Model": [(name, str(value)) for name, value in model.items() if value],
        "Capabilities": [(str(name), "") for name in details.get("capabilities") or []],
        "Parameters": [_parameter(line) for line in str(details.get("parameters") or "").splitlines() if line.strip()],
        "System": [("", line) for line in str(details.get("system") or "").splitlines()],
        "License": [("", line.strip()) for line in lines[:LICENCE_LINES]] + more,
    }


def _parameter(line: str) -> tuple[str, str]:
    name, _, value = line.strip().partition(" ")
    return name, value.strip()
