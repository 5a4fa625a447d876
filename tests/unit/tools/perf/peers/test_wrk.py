"""What wrk prints is read, or refused with what was wrong."""

from __future__ import annotations

import pytest

from bench.errors import GeneratorError
from tools.perf.peers.wrk import parse

LINE = (
    '{"requests":8000,"duration_us":4000000,"bytes":9600000,"p50_us":900,"p99_us":4100,"max_us":9000,'
    '"failed":1,"not_2xx":2}'
)
OUTPUT = f"""Running 4s test @ http://127.0.0.1:1/
  1 threads and 16 connections
  8000 requests in 4.00s, 9.16MB read
Requests/sec:   2000.00
{LINE}
"""


def test_figures_are_found_after_what_wrk_prints_itself() -> None:
    """The script's line is the last one."""
    figures = parse(OUTPUT)
    assert (figures.requests, figures.p50_us, figures.p99_us) == (8000, 900, 4100)
    assert (figures.failed, figures.not_2xx) == (1, 2)


def test_rate_counts_answers_by_the_time_that_wrk_really_sent() -> None:
    """Wrk runs somewhat longer than it is told to."""
    assert parse(OUTPUT).rate == 2000.0


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("unable to connect to 127.0.0.1:1", "no figures"),
        ('{"requests":5}', "cannot be read"),
        (OUTPUT.replace('"requests":8000', '"requests":0'), "no answer at all"),
    ],
)
def test_output_without_figures_is_refused(output: str, message: str) -> None:
    """Nothing is made up where wrk measured nothing."""
    with pytest.raises(GeneratorError, match=message):
        parse(output)
