"""The three tasks: what is asked of a model, in which shape, with which budget, and what counts as an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.tasks.base import Data, SchemaTask, Scored, Task
from ai_service.tasks.ingredients import IngredientsTask
from ai_service.tasks.nutrition import NutritionTask
from ai_service.tasks.recipe import RecipeTask

if TYPE_CHECKING:
    from ai_service.config.settings import Settings

__all__ = ["Data", "SchemaTask", "Scored", "Task", "build_tasks"]


def build_tasks(settings: Settings) -> tuple[SchemaTask, ...]:
    """Build the three tasks with the operator's models, token budgets and times to live."""
    num_ctx = settings.ollama_num_ctx
    return (
        RecipeTask(
            ttl_s=settings.recipe_ttl,
            max_tokens=settings.recipe_max_tokens,
            num_ctx=num_ctx,
            model=settings.recipe_model,
        ),
        IngredientsTask(
            ttl_s=settings.ingredients_ttl,
            max_tokens=settings.ingredients_max_tokens,
            num_ctx=num_ctx,
            model=settings.ingredients_model,
        ),
        NutritionTask(
            ttl_s=settings.nutrition_ttl,
            max_tokens=settings.nutrition_max_tokens,
            num_ctx=num_ctx,
            model=settings.nutrition_model,
        ),
    )
