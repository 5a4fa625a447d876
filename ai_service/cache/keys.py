"""Names of what is stored. `v1` is the layout of this module and of `entry`: a change of either raises it."""

PREFIX = "ai:v1:"
RATES = "ai:rates"
"""Begins the keys of what is counted for API keys; no purge touches it."""
LEADER_KEY = "ai:leader"
"""Held by the process that does scheduled work, of whatever layout."""
PROBE_KEY = f"{PREFIX}probe"
UNKNOWN_MODEL = "0" * 12
"""Stands for the digest of a model that nobody has seen yet; nothing is stored under it."""


def answer_key(task: str, model_digest: str, request_digest: str) -> str:
    """Key of an answer: `ai:v1:<task>:<model digest, 12>:<request digest, 32>`."""
    return f"{PREFIX}{task}:{model_digest}:{request_digest}"


def answers_of(task: str) -> str:
    """What the keys of all answers of a task begin with."""
    return f"{PREFIX}{task}:"


def generation_key(task: str) -> str:
    """Key of what every purge of a task's answers changes."""
    return f"{PREFIX}generation:{task}"


def model_key(provider: str, model: str) -> str:
    """Key under which a model's last known digest is remembered."""
    return f"{PREFIX}model:{provider}:{model}"


def lock_key(key: str, purpose: str) -> str:
    """Key of the lock under which an answer is computed for a purpose: `request` or background work."""
    return f"{PREFIX}lock:{purpose}:{key.removeprefix(PREFIX)}"
