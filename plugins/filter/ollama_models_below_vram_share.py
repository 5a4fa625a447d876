"""Filter that finds loaded models which do not lie in GPU memory, though they should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def models_below_vram_share(models: Sequence[dict[str, Any]], min_share: float) -> list[str]:
    """Return a sentence for each loaded model of which less than a share lies in GPU memory.

    Args:
        models: As `/api/ps` lists them: `name`, `size` and `size_vram`, in bytes; a server leaves out what is 0.
        min_share: From 0 (the CPU is accepted) to 1.
    """
    shares = {str(model["name"]): _share(model) for model in models}
    return [
        f"{name} runs {'on the CPU' if share == 0 else f'with {share:.0%} of it in GPU memory'}"
        for name, share in shares.items()
        if share < float(min_share)
    ]


def _share(model: dict[str, Any]) -> float:
    size = model.get("size") or 0
    return (model.get("size_vram") or 0) / size if size else 0.0


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by the name they have in templates."""
        return {"ollama_models_below_vram_share": models_below_vram_share}
