"""Filter that finds what keeps a stack from being deployed on the nodes of a Swarm."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from ansible_collections.alchemorsel.ai.plugins.filter.stack_services import service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

IMAGE = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")
DIGEST = re.compile(r"(sha256:)?[0-9a-f]{64}")
TLS = ("given", "off")
Problem = dict[str, str]


def problems(settings: Mapping[str, Any], models_of: Mapping[str, Sequence[str]]) -> list[Problem]:
    """Return what is wrong with the variables of the role stack, as the nodes of the Swarm are.

    Args:
        settings: The role's variables by name.
        models_of: `swarm_models` of each node, by its name.
    """
    return [
        *_image_problems(settings),
        *_model_problems(settings, models_of),
        *_number_problems(settings),
        *_tls_problems(settings),
    ]


def _image_problems(settings: Mapping[str, Any]) -> Iterator[Problem]:
    for name in ("stack_service_image", "stack_edge_image", "stack_ollama_image"):
        image = str(settings[name])
        if not IMAGE.fullmatch(image):
            yield {
                "problem": f"{name} is {image or 'not set'}: an image of the stack is named by its digest, so that all "
                "nodes run the same one",
                "remedy": "set REGISTRY/NAME@sha256:DIGEST "
                "(docker buildx imagetools inspect REGISTRY/NAME:TAG prints it)",
            }


def _model_problems(settings: Mapping[str, Any], models_of: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    models = [str(model["name"]) for model in settings["stack_models"]]
    for name, count in Counter(service(model) for model in models).items():
        if count > 1:
            yield {
                "problem": f"{count} models of stack_models are the same service {name}",
                "remedy": "name each model once",
            }
    for model in models:
        if not any(model in found for found in models_of.values()):
            yield {
                "problem": f"no host serves the model {model} of stack_models",
                "remedy": "add it to swarm_models of one host of swarm_hosts or more",
            }
    for host, found in models_of.items():
        for model in found:
            if model not in models:
                yield {
                    "problem": f"{host} is to serve the model {model}, which stack_models does not have",
                    "remedy": "add it to stack_models, or take it out of swarm_models of that host",
                }
    if settings["stack_default_model"] not in models:
        yield {
            "problem": f"stack_default_model is {settings['stack_default_model']}, and stack_models has "
            f"{', '.join(models) or 'none'}",
            "remedy": "name one of stack_models",
        }
    for model in settings["stack_models"]:
        digest = str(model.get("digest") or "").lower()
        if digest and not DIGEST.fullmatch(digest):
            yield {
                "problem": f"the digest of {model['name']} is {digest}",
                "remedy": "set the SHA-256 of the model's manifest, 64 hexadecimal digits",
            }


def _number_problems(settings: Mapping[str, Any]) -> Iterator[Problem]:
    if int(settings["stack_replicas"]) < 1:
        yield {"problem": f"stack_replicas is {settings['stack_replicas']}", "remedy": "set 1 or more"}
    if int(settings["stack_replicas"]) > 1 and not settings["stack_redis_url"]:
        yield {
            "problem": f"stack_replicas is {settings['stack_replicas']}, and stack_redis_url is not set: tasks share "
            "answers, locks and rates in Redis",
            "remedy": "set stack_redis_url to the address of a Redis outside of the Swarm, or stack_replicas to 1",
        }


def _tls_problems(settings: Mapping[str, Any]) -> Iterator[Problem]:
    choice = settings["stack_tls"]
    if choice not in TLS:
        yield {
            "problem": f"stack_tls is {choice or 'not set'}: an edge of the stack has a certificate that is given, "
            "or none",
            "remedy": "set given (with stack_certificate_file and stack_key_file) or off",
        }
    if choice == "given" and not (settings["stack_certificate_file"] and settings["stack_key_file"]):
        yield {
            "problem": "stack_tls is given, and stack_certificate_file or stack_key_file is not set",
            "remedy": "set both to files of the control node in PEM format",
        }


class FilterModule:
    """Ansible's entry point to the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by the name that templates use."""
        return {"stack_problems": problems}
