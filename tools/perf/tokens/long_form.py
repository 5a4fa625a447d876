"""The recipe as it would be asked for without a short form: the model writes what callers get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.tasks.base import Schema, array, obj, text
from ai_service.tasks.ingredient_line import UNITS
from ai_service.tasks.recipe import RecipeTask

if TYPE_CHECKING:
    from ai_service.schemas import TaskRequest

_LINES = '"200 g rice","1 piece lemon","2 tbsp parsley","1 pinch salt"'
_OBJECTS = (
    '{"name":"rice","amount":200,"unit":"g"},{"name":"lemon","amount":1,"unit":"piece"},'
    '{"name":"parsley","amount":2,"unit":"tbsp"},{"name":"salt","amount":1,"unit":"pinch"}'
)


class LongRecipe(RecipeTask):
    """A recipe with an object for each ingredient, the model's confidence last."""

    def _schema(self) -> Schema:
        schema = super()._schema()
        properties = dict(schema["properties"])
        ingredient = obj(name=text(2, 40), amount={"type": "number"}, unit={"type": "string", "enum": list(UNITS)})
        properties["ingredients"] = array(ingredient, 3, properties["ingredients"]["maxItems"])
        properties["confidence"] = properties.pop("confidence")
        return obj(**properties)

    def prompt(self, request: TaskRequest) -> str:
        """See Task."""
        short = super().prompt(request)
        assert _LINES in short
        moved = short.replace(_LINES, _OBJECTS).replace('"confidence":80,', "", 1)
        before, after = moved.split("}\nRequest:", 1)
        return f'{before},"confidence":80}}\nRequest:{after}'
