"""The task `ingredients`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from ai_service.schemas import IngredientsRequest, Suggestions, TaskRequest, fold
from ai_service.tasks import confidence
from ai_service.tasks.base import Schema, SchemaTask, Scored, array, obj, text
from ai_service.tasks.preview import Field

if TYPE_CHECKING:
    from ai_service.providers.base import Completion


class IngredientsTask(SchemaTask):
    """`ingredients`: what goes with what is there already. About 12 tokens a suggestion."""

    name = "ingredients"
    path = "/api/v1/ai/suggest-ingredients"
    request_type = IngredientsRequest
    message = "Ingredients suggested."
    fields: ClassVar = {"suggestions": Field("suggestion", items=True)}
    _decode = msgspec.json.Decoder(Suggestions).decode

    def _schema(self) -> Schema:
        return obj(suggestions=array(text(2, 30), 3, min(12, self.max_tokens // 20)))

    def prompt(self, request: TaskRequest) -> str:
        """See Task."""
        assert isinstance(request, IngredientsRequest)
        return (
            "Suggest further ingredients that go well with the given ones, as compact JSON on a single line.\n"
            'Given: lemon, rice\nJSON: {"suggestions":["parsley","butter","garlic","black pepper"]}\n'
            f"Given: {', '.join(request.partial)}\nJSON: "
        )

    def _judge(self, completion: Completion, request: TaskRequest) -> Scored:
        assert isinstance(request, IngredientsRequest)
        written = [item for item in map(fold, self._decode(completion.text).suggestions) if item]
        given = {item.casefold() for item in request.partial}
        new = list({item.casefold(): item for item in written if item.casefold() not in given}.values())
        if not new:
            raise ValueError("expected at least one ingredient that was not given")
        score = confidence.combine(complete=len(new) / 4, distinct=len(new) / len(written))
        return Scored(Suggestions(suggestions=new), score)
