"""The OpenAPI document, with and without API keys."""

from __future__ import annotations

import json

from tests.golden.served import served


def describe_document() -> str:
    """Return the document as the real program serves it: whole with keys, each route's statuses without them."""
    document = served().guarded
    open_routes = {
        f"{method} {path}": sorted(operation["responses"])
        for path, operations in served().unguarded["paths"].items()
        for method, operation in operations.items()
    }
    shown = {
        "document": {**document, "info": {**document["info"], "version": "VERSION"}},
        "statuses of each route where no keys are configured": open_routes,
    }
    return json.dumps(shown, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
