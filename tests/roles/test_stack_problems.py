"""What keeps a stack from being deployed, named before anything is changed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.stack_problems import problems

IMAGE = "registry.example/x@sha256:" + "a" * 64
GOOD = {
    "stack_service_image": IMAGE,
    "stack_edge_image": IMAGE,
    "stack_ollama_image": IMAGE,
    "stack_models": [{"name": "llama3.2:3b"}],
    "stack_default_model": "llama3.2:3b",
    "stack_replicas": 2,
    "stack_redis_url": "redis://10.0.0.9:6379/0",
    "stack_tls": "off",
    "stack_certificate_file": "",
    "stack_key_file": "",
}
NODES = {"a": ["llama3.2:3b"], "b": []}


def test_a_complete_stack_has_no_problem() -> None:
    """Without problems the role goes on."""
    assert problems(GOOD, NODES) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"stack_service_image": ""}, "stack_service_image is not set"),
        ({"stack_edge_image": "haproxy:3.0"}, "stack_edge_image is haproxy:3.0"),
        ({"stack_ollama_image": IMAGE[:-1]}, "stack_ollama_image is"),
        ({"stack_models": [{"name": "llama3.2:3b"}, {"name": "phi"}]}, "no host serves the model phi"),
        ({"stack_models": [{"name": "llama3.2:3b"}, {"name": "llama3.2-3b"}]}, "2 models of stack_models are the same"),
        ({"stack_models": [{"name": "llama3.2:3b", "digest": "abc"}]}, "the digest of llama3.2:3b is abc"),
        ({"stack_default_model": "phi"}, "stack_default_model is phi, and stack_models has llama3.2:3b"),
        ({"stack_replicas": 0}, "stack_replicas is 0"),
        ({"stack_redis_url": ""}, "stack_replicas is 2, and stack_redis_url is not set"),
        ({"stack_tls": ""}, "stack_tls is not set"),
        ({"stack_tls": "own"}, "stack_tls is own"),
        ({"stack_tls": "given"}, "stack_certificate_file or stack_key_file is not set"),
    ],
)
def test_each_mistake_is_told_with_what_is_right(wrong: dict[str, Any], told: str) -> None:
    """In the words of the role's variables."""
    found = problems({**GOOD, **wrong}, NODES)
    assert any(told in each["problem"] for each in found), found
    assert all(each["remedy"] for each in found)


def test_a_node_with_an_unknown_model_is_named() -> None:
    """It would have a label that places nothing."""
    (problem,) = problems(GOOD, {**NODES, "b": ["phi"]})
    assert problem["problem"] == "b is to serve the model phi, which stack_models does not have"
