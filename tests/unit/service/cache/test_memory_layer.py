"""The layer in front of the store."""

import msgspec

from ai_service.cache.entry import Entry
from ai_service.cache.memory_layer import OVERHEAD_BYTES, MemoryLayer
from tests.unit.service.fakes import FakeClock


def entry(body: bytes = b"body") -> Entry:
    """Build an entry with a given body."""
    return Entry(body, 1.0, 2.0, 3.0, 0.5, "ollama", "m", 0.8, degraded=False)


def test_an_entry_is_trusted_for_a_while_and_kept_for_longer() -> None:
    """After the trust ends the store is asked; where that is down, the kept one still serves."""
    clock = FakeClock()
    layer = MemoryLayer(trust_s=2.0, clock=clock)
    layer.put("k", entry())
    clock.advance(1.9)
    assert layer.trusted("k") == entry()
    clock.advance(0.2)
    assert layer.trusted("k") is None
    assert layer.kept("k") == entry()


def test_the_bound_counts_bytes_and_drops_the_least_recently_used() -> None:
    """Entries differ in size, so their number bounds nothing."""
    layer = MemoryLayer(max_bytes=2 * (1000 + OVERHEAD_BYTES))
    layer.put("a", entry(b"x" * 1000))
    layer.put("b", entry(b"x" * 1000))
    assert layer.trusted("a") is not None
    layer.put("c", entry(b"x" * 1000))
    assert layer.trusted("b") is None
    assert layer.trusted("a") is not None
    assert layer.trusted("c") is not None


def test_replacing_an_entry_does_not_count_it_twice() -> None:
    """A bound that leaks would empty the layer in the end."""
    layer = MemoryLayer(max_bytes=2 * (1000 + OVERHEAD_BYTES))
    layer.put("other", entry(b"x" * 1000))
    for _ in range(10):
        layer.put("k", entry(b"x" * 1000))
    assert layer.trusted("other") is not None


def test_a_dropped_entry_is_gone() -> None:
    """Dropping is for entries that the store does not have any more."""
    layer = MemoryLayer()
    layer.put("k", entry())
    layer.drop("k")
    assert layer.kept("k") is None


def test_both_forms_of_a_body_count() -> None:
    """The packed one takes memory, too."""
    layer = MemoryLayer(max_bytes=1000 + 500 + OVERHEAD_BYTES)
    layer.put("a", msgspec.structs.replace(entry(b"x" * 1000), packed=b"y" * 500))
    assert layer.trusted("a") is not None
    layer.put("b", msgspec.structs.replace(entry(b"x" * 1000), packed=b"y" * 501))
    assert layer.trusted("b") is None
