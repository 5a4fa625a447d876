"""What is asked of the service: the three tasks, their routes, and request bodies that are new or known on purpose.

A request is named by (task, seed, index) and is the same bytes for the same name, in every process. That is what
makes a cached phase provable: it asks again for exactly the requests that the uncached phase asked first.

Every body starts with a nonce. A new nonce misses the service's cache, and because it stands at the front, it also
keeps Ollama from reusing its KV cache for anything but the service's own fixed instructions (Ollama always sends
``cache_prompt``, so an "uncached" request that ends in a nonce is mostly cached there).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DISHES = (
    "a quick tomato soup for a rainy evening",
    "a vegetarian curry with chickpeas and spinach",
    "a lemon chicken that children like",
    "a light salad with lentils and feta",
)
_PANTRIES = (
    ("onion", "garlic", "tomato"),
    ("rice", "coconut milk", "lime"),
    ("potato", "leek", "cream"),
    ("chicken", "lemon", "thyme"),
)
_PLATES = (
    ("200 g rice", "150 g chicken breast", "1 tbsp olive oil"),
    ("2 eggs", "50 g butter", "100 g flour"),
    ("250 g lentils", "1 carrot", "1 onion"),
    ("120 g salmon", "200 g potatoes", "1 lemon"),
)


@dataclass(frozen=True, slots=True)
class Task:
    """One of the service's three tasks, as a client sees it.

    Attributes:
        name: The task's name in keys, metrics and tags.
        path: Route that answers it.
        body: Makes the request body from a nonce and an index.
    """

    name: str
    path: str
    body: Callable[[str, int], Mapping[str, object]]


def _recipe(nonce: str, index: int) -> Mapping[str, object]:
    return {"prompt": f"{nonce} {_DISHES[index % len(_DISHES)]}"}


def _ingredients(nonce: str, index: int) -> Mapping[str, object]:
    return {"partial": [nonce, *_PANTRIES[index % len(_PANTRIES)]]}


def _nutrition(nonce: str, index: int) -> Mapping[str, object]:
    return {"ingredients": [nonce, *_PLATES[index % len(_PLATES)]]}


TASKS: Mapping[str, Task] = MappingProxyType(
    {
        "recipe": Task("recipe", "/api/v1/ai/generate-recipe", _recipe),
        "ingredients": Task("ingredients", "/api/v1/ai/suggest-ingredients", _ingredients),
        "nutrition": Task("nutrition", "/api/v1/ai/analyze-nutrition", _nutrition),
    }
)


def nonce(seed: str, task: str, index: int) -> str:
    """Return the nonce of one request: 40 bits as a word that sorts before any ingredient.

    The service sorts lists that are sets; the leading zero keeps the nonce at the front there too.
    """
    digest = hashlib.blake2b(f"{seed}/{task}/{index}".encode(), digest_size=5).hexdigest()
    return f"0{digest}"


def request_body(task: str, seed: str, index: int) -> bytes:
    """Return the JSON body of request ``index`` of ``task`` in the run named by ``seed``.

    Args:
        task: A key of `TASKS`.
        seed: The run's random name; another seed makes every request a new one.
        index: Number of the request, from 0.
    """
    return msgspec.json.encode(TASKS[task].body(nonce(seed, task, index), index))
