"""API keys as they are kept: a file with a name and a hash for each, never a key.

One key a line, fields divided by white space; empty lines and lines that start with `#` count for nothing:

    # name      hash                rate         budget             role
    web-app     sha256:<64 hex>     600/minute   100000tokens/day
    reporting   sha256:<64 hex>
    operator    sha256:<64 hex>     60/minute                       admin

A key without a rate may ask as often as it likes, one without a budget may have as much computed. Rates are
`<number>/second`, `minute`, `hour` or `day`; budgets are `<number>tokens/day`, before or after the rate.

The hash is a plain SHA-256, since a key is 256 random bits (`hash-key` makes them, and takes none that is short): slow,
salted hashes protect what can be guessed, and would let anybody keep the service busy with wrong keys.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING

from ai_service.answers.caller import Caller
from ai_service.cache.keys import SHARED, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable

ADMIN = "admin"
KEY_PREFIX = "alchemorsel_"
"""Begins every generated key, so that scanners for leaked secrets can know it."""
MIN_KEY_LENGTH = 32
_SCHEME = "sha256:"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_RATE = re.compile(r"[1-9][0-9]{0,8}/(second|minute|hour|day)")
_BUDGET = re.compile(r"([1-9][0-9]{0,14})tokens/day")
_INDEX_BYTES = 8
_NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class Key:
    """One line of the file.

    Attributes:
        caller: Whose key it is.
        digest: SHA-256 of the key.
        rate: Such as `600/minute`; "" where there is none.
        admin: Whether it opens the administrator's routes too.
    """

    caller: Caller
    digest: bytes
    rate: str = ""
    admin: bool = False

    @property
    def name(self) -> str:
        """Whose key it is, for rates and messages."""
        return self.caller.name

    def line(self) -> str:
        """Return the key's line in the key file."""
        budget = f"{self.caller.token_budget}tokens/day" if self.caller.token_budget else ""
        further = filter(None, [self.rate, budget, ADMIN * self.admin])
        return " ".join([self.name, _SCHEME + self.digest.hex(), *further])


class Keys:
    """The keys of a file, found by what a caller presents.

    They are indexed by the first 8 bytes of their hash. Nobody who guesses keys can steer the bytes of a hash, so how
    long a look-up takes tells nothing; the rest is compared in constant time.

    Args:
        keys: All of them.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self._by_index = {key.digest[:_INDEX_BYTES]: key for key in keys}

    def __len__(self) -> int:
        return len(self._by_index)

    def find(self, presented: bytes) -> Key | None:
        """Return the key matching the presented one, or None, in about a microsecond."""
        digest = sha256(presented).digest()
        key = self._by_index.get(digest[:_INDEX_BYTES])
        return key if compare_digest(digest, key.digest if key else _NOBODY) else None


def parse_keys(text: str, *, scoped: bool = False) -> Keys:
    """Parse the text of a key file.

    Args:
        text: The text.
        scoped: Whether each key has answers of its own.

    Raises:
        ValueError: Says the first line that is wrong and what would be right; never repeats what is in it, for that
            may be a key.
    """
    keys: dict[str, Key] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        try:
            key = _parse_fields(fields, scoped=scoped)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if key.name in keys or any(key.digest == other.digest for other in keys.values()):
            raise ValueError(f"line {number}: duplicate name or hash; expected each once")
        keys[key.name] = key
    if not keys:
        raise ValueError("expected at least one key; create a line with `python -m ai_service hash-key NAME`")
    return Keys(keys.values())


def _parse_fields(fields: list[str], *, scoped: bool = False) -> Key:
    if not _NAME.fullmatch(fields[0]):
        raise ValueError("expected a name of letters, digits, '.', '_' and '-', at most 64")
    if len(fields) < 2 or not _HASH.fullmatch(fields[1]):
        raise ValueError("expected sha256: and 64 hexadecimal digits after the name, never the key itself")
    rest = fields[2:]
    admin = rest[-1:] == [ADMIN]
    limits = rest[:-1] if admin else rest
    budgets = [limit for limit in limits if "tokens" in limit]
    rates = [limit for limit in limits if "tokens" not in limit]
    if len(rates) > 1 or len(budgets) > 1:
        raise ValueError("expected name, hash, rate, token budget and 'admin', the last three optional")
    rate = parse_rate(rates[0]) if rates else ""
    budget = parse_budget(budgets[0]) if budgets else 0
    caller = Caller(fields[0], scope_of(fields[0]) if scoped else SHARED, budget)
    return Key(caller, bytes.fromhex(fields[1].removeprefix(_SCHEME)), rate, admin)


def parse_rate(text: str) -> str:
    """Validate a rate limit.

    Raises:
        ValueError: It is none.
    """
    if not _RATE.fullmatch(text):
        raise ValueError("expected a rate such as 5/second, 600/minute, 1000/hour or 10000/day")
    return text


def parse_budget(text: str) -> int:
    """Parse a token budget, and return its tokens a UTC day.

    Raises:
        ValueError: It is none.
    """
    found = _BUDGET.fullmatch(text)
    if found is None:
        raise ValueError("expected a token budget such as 100000tokens/day")
    return int(found[1])


def new_key() -> str:
    """Generate an API key of 256 random bits in characters that need no quoting anywhere."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def hash_key(name: str, key: str, *, rate: str = "", budget: str = "", admin: bool = False) -> Key:
    """Hash an API key into its entry for the key file.

    Raises:
        ValueError: The name, the rate or the budget is invalid, or the key is too easily guessed or unfit for a header.
    """
    if len(key) < MIN_KEY_LENGTH or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError(f"expected a key of at least {MIN_KEY_LENGTH} printable ASCII characters without spaces")
    hashed = _SCHEME + sha256(key.encode()).hexdigest()
    return _parse_fields([name, hashed, *filter(None, [rate, budget, ADMIN * admin])])
