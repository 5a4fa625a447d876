"""The file of keys, and how it is read again."""

from __future__ import annotations

import logging
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from ai_service.access.key_file import KeyFile, read_keys
from ai_service.access.keys import Key, Keys, hash_key, new_key, parse_keys
from ai_service.answers.caller import Caller
from ai_service.cache.keys import SHARED, scope_of
from tests.unit.service.fakes import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

KEY, OTHER = new_key(), new_key()
HASH = hash_key("a", KEY).line().split()[1]


def test_a_key_is_found_by_itself_and_never_kept() -> None:
    """The file holds its hash only."""
    line = hash_key("web", KEY, rate="5/minute", admin=True).line()
    assert KEY not in line
    keys = parse_keys(f"# comment\n\n  {line}\n{hash_key('job', OTHER).line()}\n")
    found = keys.find(KEY.encode())
    assert found is not None
    assert (found.name, found.rate, found.admin) == ("web", "5/minute", True)
    plain = keys.find(OTHER.encode())
    assert plain is not None
    assert (plain.name, plain.rate, plain.admin) == ("job", "", False)


@pytest.mark.parametrize(
    ("fields", "rate", "budget", "admin"),
    [
        ("", "", 0, False),
        ("5/minute 100000tokens/day admin", "5/minute", 100_000, True),
        ("100000tokens/day 5/minute", "5/minute", 100_000, False),
        ("7tokens/day", "", 7, False),
        ("7tokens/day admin", "", 7, True),
    ],
)
def test_rate_and_budget_come_in_any_order(fields: str, rate: str, budget: int, admin: bool) -> None:
    """Each may be missing; a key's own line says the same."""
    text = f"web {HASH} {fields}"
    for _ in range(2):
        found = parse_keys(text).find(KEY.encode())
        assert found is not None
        assert (found.rate, found.caller.token_budget, found.admin) == (rate, budget, admin)
        text = found.line()


def test_a_scope_is_made_once_where_each_key_has_answers_of_its_own() -> None:
    """Shared otherwise."""
    text = hash_key("web", KEY).line()
    keys = [parse_keys(text, scoped=scoped).find(KEY.encode()) for scoped in (False, True)]
    assert [key.caller.scope for key in keys if key] == [SHARED, scope_of("web")]


@pytest.mark.parametrize("presented", ["", "a", KEY[:-1], f"{KEY}x", HASH, HASH.removeprefix("sha256:")])
def test_anything_else_opens_nothing(presented: str) -> None:
    """The hash least of all: whoever reads the file has no key."""
    assert parse_keys(f"web {HASH}").find(presented.encode()) is None


def test_the_whole_hash_counts() -> None:
    """Its first bytes only tell where to look."""
    digest = sha256(KEY.encode()).digest()
    assert Keys([Key(Caller("near"), digest[:31] + bytes([digest[31] ^ 1]))]).find(KEY.encode()) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected at least one key"),
        ("# only a comment", "expected at least one key"),
        (f"web {KEY}", "line 1: expected sha256:"),
        (KEY, "line 1: expected sha256:"),
        (f"\nweb {HASH} 5/week", "line 2: expected a rate such as"),
        (f"web {HASH} 0/minute", "line 1: expected a rate such as"),
        (f"web {HASH} 5/minute root", "line 1: expected name, hash, rate, token budget and 'admin'"),
        (f"web {HASH} 5/minute 1/day", "line 1: expected name, hash, rate, token budget and 'admin'"),
        (f"web {HASH} 1tokens/day 2tokens/day", "line 1: expected name, hash, rate, token budget and 'admin'"),
        (f"\nweb {HASH} 0tokens/day", "line 2: expected a token budget such as 100000tokens/day"),
        (f"web {HASH} 5/minute 100tokens/hour", "line 1: expected a token budget such as 100000tokens/day"),
        (f"web {HASH} {'9' * 16}tokens/day", "line 1: expected a token budget such as 100000tokens/day"),
        (f"we:b {HASH}", "line 1: expected a name"),
        (f"web {HASH}\nweb {HASH[:-1]}0", "line 2: duplicate name or hash; expected each once"),
        (f"web {HASH}\njob {HASH}", "line 2: duplicate name or hash; expected each once"),
    ],
)
def test_a_wrong_line_is_named_and_not_repeated(text: str, problem: str) -> None:
    """What stands there may be a key that somebody pasted."""
    with pytest.raises(ValueError, match="expected") as caught:
        parse_keys(text)
    assert problem in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", ["short", "x" * 31, "with a space" * 5, "über" * 10, ""])
def test_a_key_that_can_be_guessed_is_not_hashed(key: str) -> None:
    """A plain hash protects long random keys only."""
    with pytest.raises(ValueError, match="at least 32 printable ASCII characters"):
        hash_key("web", key)


def test_generated_keys_differ() -> None:
    """And can be hashed."""
    assert new_key() != new_key()
    assert hash_key("web", new_key())


def test_a_changed_file_is_read_again_after_a_second(tmp_path: Path) -> None:
    """Without a restart: a new key opens, an old one no more."""
    path, clock = tmp_path / "keys", FakeClock()
    path.write_text(hash_key("a", KEY).line())
    file = KeyFile(path, clock=clock)
    path.write_text(hash_key("other", OTHER).line())
    assert file.find(KEY.encode()) is not None
    clock.advance(1.0)
    assert file.find(KEY.encode()) is None
    assert file.find(OTHER.encode()) is not None


@pytest.mark.parametrize("broken", ["web plain-text-key", "\udcff", None])
def test_a_broken_file_keeps_the_old_keys_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str | None
) -> None:
    """An editor that saves half a file locks nobody out."""
    path, clock = tmp_path / "keys", FakeClock()
    path.write_text(hash_key("a", KEY).line())
    file = KeyFile(path, clock=clock)
    if broken is None:
        path.unlink()
    else:
        path.write_bytes(broken.encode("utf-8", "surrogateescape"))
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            clock.advance(1.0)
            assert file.find(KEY.encode()) is not None
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "the API keys stay as they were" in record.getMessage()
    path.write_text(hash_key("other", OTHER).line())
    clock.advance(1.0)
    assert file.find(OTHER.encode()) is not None


def test_a_file_that_cannot_be_read_at_all_is_a_mistake(tmp_path: Path) -> None:
    """At the start nothing older is there to go on with."""
    with pytest.raises(ValueError, match=r"cannot read .*: No such file"):
        read_keys(tmp_path / "missing")
    (tmp_path / "large").write_text("#" * (1024 * 1024 + 1))
    with pytest.raises(ValueError, match="larger than"):
        read_keys(tmp_path / "large")
