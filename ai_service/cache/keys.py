"""Names of what is stored. `v2` is the layout of this module and of `entry`: a change of either raises it."""

from datetime import UTC, datetime
from hashlib import blake2b

PREFIX = "ai:v2:"
SHARED = "shared"
"""Scope of the answers that every caller finds."""
RATES = "ai:rates"
"""Begins the keys of what is counted for API keys; no purge touches it."""
USAGE = "ai:usage:"
"""Begins the keys of what was computed for API keys; no purge touches it."""
HITS = "ai:hits:"
"""Begins the keys of what is counted of answers from the cache; no purge touches it."""
RECENT = "ai:recent"
"""Stream of the last requests of all instances; no purge touches it."""
LEADER_KEY = "ai:leader"
"""Held by the process that does scheduled work, of whatever layout."""
PROBE_KEY = f"{PREFIX}probe"
UNKNOWN_MODEL = "0" * 12
"""Stands for the digest of a model that nobody has seen yet; nothing is stored under it."""


def scope_of(name: str) -> str:
    """Return what stands for an API key in names of keys, such as its scope: BLAKE2b-64 of its name, in hexadecimal."""
    return blake2b(name.encode(), digest_size=8).hexdigest()


def answer_key(epoch: str, scope: str, task: str, model_digest: str, request_digest: str) -> str:
    """Return the key of an answer: `ai:v2:<epoch>:<scope>:<task>:<model digest, 12>:<request digest, 32>`."""
    return f"{PREFIX}{epoch}:{scope}:{task}:{model_digest}:{request_digest}"


def answers_of(epoch: str) -> str:
    """Return the prefix of the keys of a task's answers, whatever their scope; the epoch is that task's alone."""
    return f"{PREFIX}{epoch}:"


def epoch_key(task: str) -> str:
    """Return the key of a task's epoch."""
    return f"{PREFIX}epoch:{task}"


def day_of(seconds: float) -> str:
    """Return the UTC day of a time since the epoch, such as 2026-11-30."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def hits_key(day: str, part: str) -> str:
    """Return the key of a part of the hits of a UTC day, such as 2026-11-30."""
    return f"{HITS}{day}:{part}"


def usage_key(day: str) -> str:
    """Return the key of what was computed for API keys on a UTC day, such as 2026-11-30."""
    return f"{USAGE}{day}"


def model_key(provider: str, model: str) -> str:
    """Return the key under which a model's last known digest is remembered."""
    return f"{PREFIX}model:{provider}:{model}"


def lock_key(key: str, purpose: str) -> str:
    """Return the key of the lock under which an answer is computed for a purpose: `request` or background work."""
    return f"{PREFIX}lock:{purpose}:{key.removeprefix(PREFIX)}"
