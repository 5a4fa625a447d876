"""Server and generator never share a core."""

from __future__ import annotations

import pytest

from bench.errors import UsageError
from tools.perf.peers.cores import share_out, share_two


def test_of_two_cores_the_server_has_one_alone() -> None:
    """Redis and the upstream then share the generator's."""
    cores = share_out(frozenset({4, 7}))
    assert (cores.server, cores.generator, cores.others) == (frozenset({4}), frozenset({7}), frozenset({7}))


def test_further_cores_are_for_redis_and_the_upstream() -> None:
    """With three or more nobody shares."""
    cores = share_out(frozenset({0, 1, 2, 3}))
    assert (cores.server, cores.generator, cores.others) == (frozenset({0}), frozenset({1}), frozenset({2, 3}))


def test_one_core_is_refused() -> None:
    """A generator that takes the server's time measures itself."""
    with pytest.raises(UsageError, match="at least two"):
        share_out(frozenset({0}))


def test_a_host_has_two_cores_whatever_the_machine_has() -> None:
    """Servers and generator share them; Redis and the upstream have what is left, if anything is."""
    assert share_two(frozenset({4, 7})).others == {4, 7}
    cores = share_two(frozenset({0, 1, 2, 3}))
    assert (cores.server, cores.generator, cores.others) == (frozenset({0, 1}), frozenset({0, 1}), frozenset({2, 3}))
