"""How entries are stored."""

import msgspec
import pytest

from ai_service.cache.entry import Entry, decode, encode
from ai_service.content_encoding import pack

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
BODY = b'{"step":"Stir."}' * 100
PACKED = msgspec.structs.replace(ENTRY, body=BODY, packed=pack(BODY))
DAMAGED = msgspec.structs.replace(ENTRY, body=BODY, packed=b"damaged")


def test_an_entry_comes_back_as_it_was() -> None:
    """The body in particular: it is sent as it is."""
    assert decode(encode(ENTRY)) == ENTRY


def test_a_packed_body_is_stored_once_and_comes_back_in_both_forms() -> None:
    """One form for each kind of client; the store keeps the short one."""
    assert decode(encode(PACKED)) == PACKED
    assert len(encode(PACKED)) < len(BODY)


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xff", b"not msgpack", encode(ENTRY)[:-4], encode(DAMAGED), msgspec.msgpack.encode([1, 2])]
)
def test_damaged_bytes_are_no_entry(raw: bytes) -> None:
    """A store may hold anything; a miss is the worst that follows."""
    assert decode(raw) is None
