"""How entries are stored."""

import msgspec
import pytest

from ai_service.cache.entry import Entry, decode, encode

ENTRY = Entry(
    body=b'{"success":true}',
    created=1.0,
    fresh_until=2.0,
    stale_until=3.0,
    compute_s=0.5,
    provider="ollama",
    model="m",
    confidence=0.8,
    degraded=False,
)


def test_an_entry_comes_back_as_it_was() -> None:
    """The body in particular: it is sent as it is."""
    assert decode(encode(ENTRY)) == ENTRY


@pytest.mark.parametrize("raw", [b"", b"\xff\xff", b"not msgpack", encode(ENTRY)[:-4], msgspec.msgpack.encode([1, 2])])
def test_damaged_bytes_are_no_entry(raw: bytes) -> None:
    """A store may hold anything; a miss is the worst that follows."""
    assert decode(raw) is None
