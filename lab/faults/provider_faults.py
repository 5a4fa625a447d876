"""Faults of Ollama, and of the fallback that answers in its place."""

from __future__ import annotations

from lab.artifacts import MODEL
from lab.faults.fault import Bound, Commands, Fault
from lab.faults.programs import MODES

_CONTAINER = "alchemorsel-ollama"
_MEMORY = "docker update --memory"
_CLIENT = f"docker exec {_CONTAINER} ollama"
_OLLAMA_FAILS = r":11436 is passed over|circuit breaker of \S*:11436: open|ollama gave no (?!.*queue)|ollama \(gemma"
_FALLBACK_FAILS = r"openai gave no (?!.*queue)|circuit breaker of openai.*: open"


def _behave(provider: str, mode: str) -> Commands:
    """Have the relay, or the stand-in, behave in a way, and as before afterwards."""
    return Commands(f"echo {mode} > {MODES}/{provider}", f"rm {MODES}/{provider}")


OLLAMA = (
    Fault(
        "ollama-killed",
        "Ollama",
        "killed; Docker starts it again, without a model in memory",
        Commands(f"kill -KILL $(docker inspect --format '{{{{.State.Pid}}}}' {_CONTAINER})"),
        Bound(recovers_s=60),
        heals_itself=True,
        during_s=10,
        after_s=50,
        is_models=True,
        noticed=_OLLAMA_FAILS,
    ),
    Fault(
        "ollama-stopped",
        "Ollama",
        "stopped (the container is paused): it accepts, and is silent",
        Commands(f"docker pause {_CONTAINER}", f"docker unpause {_CONTAINER}"),
        Bound(recovers_s=40),
        during_s=15,
        after_s=40,
        is_models=True,
        noticed=_OLLAMA_FAILS,
    ),
    Fault(
        "ollama-503",
        "Ollama",
        "answers 503",
        _behave("ollama", "503"),
        Bound(recovers_s=30),
        after_s=30,
        is_models=True,
        noticed=_OLLAMA_FAILS,
    ),
    Fault(
        "ollama-slow",
        "Ollama",
        "four seconds slower",
        _behave("ollama", "slow"),
        Bound(recovers_s=30),
        after_s=30,
        is_models=True,
    ),
    Fault(
        "ollama-model-removed",
        "Ollama",
        "its model is removed",
        Commands(
            f"{_CLIENT} cp {MODEL} kept:270m && {_CLIENT} rm {MODEL}",
            f"{_CLIENT} cp kept:270m {MODEL} && {_CLIENT} rm kept:270m",
        ),
        Bound(recovers_s=45),
        during_s=15,
        after_s=45,
        is_models=True,
        noticed=_OLLAMA_FAILS,
    ),
    Fault(
        "ollama-truncating",
        "Ollama",
        "breaks every answer off",
        _behave("ollama", "truncate"),
        Bound(recovers_s=30),
        after_s=30,
        is_models=True,
        noticed=_OLLAMA_FAILS,
    ),
    Fault(
        "ollama-out-of-memory",
        "Ollama",
        "the kernel kills the model's process: 100 MB for the container",
        Commands(
            # A limit below what is in use is refused, so the container is empty when it gets it.
            f"docker stop --time 0 {_CONTAINER};"
            f" {_MEMORY} 100m --memory-swap 100m --memory-reservation 50m {_CONTAINER}; docker start {_CONTAINER}",
            f"{_MEMORY} 4g --memory-swap 4g --memory-reservation 2g {_CONTAINER}; docker start {_CONTAINER}",
        ),
        Bound(recovers_s=45),
        during_s=15,
        after_s=45,
        is_models=True,
        noticed=_OLLAMA_FAILS,
    ),
    Fault(
        "ollama-hanging",
        "Ollama",
        "answers its health check, and hangs in inference",
        _behave("ollama", "hang"),
        Bound(recovers_s=40),
        during_s=20,
        after_s=40,
        is_models=True,
        noticed=_OLLAMA_FAILS,
    ),
)

FALLBACK = (
    Fault(
        "fallback-401",
        "Fallback",
        "refuses the key: 401",
        _behave("fallback", "401"),
        Bound(recovers_s=40),
        after_s=40,
        noticed=_FALLBACK_FAILS,
    ),
    Fault(
        "fallback-429",
        "Fallback",
        "out of quota: 429",
        _behave("fallback", "429"),
        Bound(recovers_s=15),
        after_s=15,
        noticed=_FALLBACK_FAILS,
    ),
    Fault(
        "fallback-hanging",
        "Fallback",
        "accepts, and is silent",
        _behave("fallback", "hang"),
        Bound(recovers_s=30),
        during_s=20,
        after_s=30,
        noticed=_FALLBACK_FAILS,
    ),
)
