"""The document that describes the service, and the page that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ai_service import errors
from ai_service.access.gate import OPEN_PATHS
from ai_service.app import create_app
from ai_service.config.settings import Settings
from ai_service.openapi.document import build_document
from ai_service.route_table import build_table
from ai_service.tasks import build_tasks
from tests.unit.service.fakes import ScriptedProvider

if TYPE_CHECKING:
    from ai_service.openapi.document import Operation

TABLE = build_table(build_tasks(Settings.from_env({})))
DOCUMENT = build_document(TABLE, keys=True)


def test_every_route_is_described_and_every_described_route_is_served() -> None:
    """With its methods; a route that is added without a row in the table fails here."""
    app: Any = create_app(Settings.from_env({}), providers=[ScriptedProvider()])
    served = {(path, "post") for path in app.endpoints}
    for route in app.rest.routes:
        served |= {(route.path.replace(":path", ""), method.lower()) for method in route.methods - {"HEAD"}}
    assert served == {(operation.path, operation.method) for operation in TABLE}


def test_what_needs_no_key_is_said_to_need_none() -> None:
    """The gate and the document agree."""
    assert {operation.path for operation in TABLE if operation.access == "open"} == OPEN_PATHS
    for operation in TABLE:
        described = DOCUMENT["paths"][operation.path][operation.method]
        assert ("security" in described) is (operation.access != "open")
        assert ("401" in described["responses"]) is (operation.access != "open")


def test_every_error_that_a_caller_may_see_is_described() -> None:
    """By status; 404, 405 and 500 belong to no route, 403 and 409 to the administrator's."""
    statuses = {each.status for each in _subclasses(errors.HTTPError)} - {403, 404, 405, 409, 500}
    described = DOCUMENT["paths"]["/api/v1/ai/generate-recipe"]["post"]["responses"]
    assert statuses <= {int(status) for status in described}
    for status in ("429", "503"):
        assert "Retry-After" in described[status]["headers"]


@pytest.mark.parametrize("operation", TABLE, ids=lambda operation: f"{operation.method} {operation.path}")
def test_names_are_unique_and_references_lead_somewhere(operation: Operation) -> None:
    """What generators of clients need."""
    assert [each.name for each in TABLE].count(operation.name) == 1
    for reference in _references(DOCUMENT["paths"][operation.path][operation.method]):
        assert reference.removeprefix("#/components/schemas/") in DOCUMENT["components"]["schemas"]


def test_without_keys_nothing_is_said_of_keys() -> None:
    """The document tells how this service is, not how it could be."""
    document = build_document(TABLE, keys=False)
    assert "securitySchemes" not in document["components"]
    assert "401" not in document["paths"]["/api/v1/ai/generate-recipe"]["post"]["responses"]


def test_limits_of_the_fields_are_described() -> None:
    """What would be answered with 422."""
    fields = DOCUMENT["components"]["schemas"]["RecipeRequest"]["properties"]
    assert fields["prompt"]["maxLength"] == 2000
    assert {"type": "integer", "minimum": 1, "maximum": 20_000} in fields["max_calories"]["anyOf"]


def _subclasses(kind: type[errors.HTTPError]) -> list[type[errors.HTTPError]]:
    return [each for child in kind.__subclasses__() for each in (child, *_subclasses(child))]


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [value["$ref"]] if "$ref" in value else [each for item in value.values() for each in _references(item)]
    return [each for item in value for each in _references(item)] if isinstance(value, list) else []
