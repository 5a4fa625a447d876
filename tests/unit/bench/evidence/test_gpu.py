"""GPU figures come from what `nvidia-smi` prints; a stand-in of it (`fake_nvidia_smi.py`) plays the program here."""

from __future__ import annotations

import contextlib
import shlex
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.evidence.gpu import GpuSampler, Reading, parse_reading, summarize_gpu

STAND_IN = Path(__file__).with_name("fake_nvidia_smi.py")


def reading(at_s: float, watts: float | None = 100.0, index: int = 0, utilization: float | None = 0.5) -> Reading:
    """Return one GPU at one moment."""
    return Reading(at_s, index, "a GPU", "550.54.15", utilization, 1000.0 * (index + 1), watts)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "0, NVIDIA A100-SXM4-80GB, 550.54.15, 87, 41234, 312.45\n",
            Reading(1.0, 0, "NVIDIA A100-SXM4-80GB", "550.54.15", 0.87, 41234.0, 312.45),
        ),
        (
            "1, NVIDIA GeForce GTX 1050 Ti, 535.183.01, 3, 402, [N/A]",
            Reading(1.0, 1, "NVIDIA GeForce GTX 1050 Ti", "535.183.01", 0.03, 402.0, None),
        ),
        (
            "0, GeForce GTX 770, 390.157, [Not Supported], [Unknown Error], [Not Supported]",
            Reading(1.0, 0, "GeForce GTX 770", "390.157", None, None, None),
        ),
    ],
)
def test_a_line_of_nvidia_smi_is_read(line: str, expected: Reading) -> None:
    """The format of ``csv,noheader,nounits`` with every way in which drivers say that they do not know."""
    assert parse_reading(line, 1.0) == expected


@pytest.mark.parametrize(
    "line",
    [
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
        "No devices were found",
        "Failed to initialize NVML: Driver/library version mismatch",
        "",
    ],
)
def test_an_error_in_words_is_no_reading(line: str) -> None:
    """The words are kept for the report."""
    with pytest.raises(ValueError, match=line or "^$"):
        parse_reading(f"{line}\n", 1.0)


@given(st.text())
def test_no_line_whatsoever_breaks_the_sampler(line: str) -> None:
    """Anything is a reading or a ValueError."""
    with contextlib.suppress(ValueError):
        assert parse_reading(line, 0.0).index >= 0


def test_energy_is_power_over_time_by_requests() -> None:
    """100 W, then 300 W, evenly rising for ten seconds: 2,000 J; for 500 requests that is 4,000 J per 1,000."""
    use = summarize_gpu([reading(0.0, 100.0), reading(5.0, 200.0), reading(10.0, 300.0)], 0.0, 10.0, 500)
    assert use is not None
    assert (use.readings, use.watts, use.joules_per_1000) == (3, 200.0, 4000.0)


def test_the_gpus_of_a_host_are_summed_and_other_phases_left_out() -> None:
    """Power and memory add up, utilisation is a mean; readings outside of the window belong to somebody else."""
    inside = [reading(at, index=index) for at in (10.0, 11.0) for index in (0, 1)]
    use = summarize_gpu([reading(9.0, 999.0), *inside, reading(12.0, 999.0)], 9.5, 11.5, 100)
    assert use is not None
    assert (use.watts, use.memory_mib, use.utilization, use.readings) == (200.0, 3000.0, 0.5, 2)
    assert use.joules_per_1000 == pytest.approx(200.0 * 2 / 100 * 1000)


def test_what_a_gpu_does_not_tell_is_absent_not_zero() -> None:
    """One GPU of two without a power sensor: no energy is claimed; without any reading there is nothing at all."""
    use = summarize_gpu([reading(at, None if index else 100.0, index) for at in (0, 1) for index in (0, 1)], 0, 1, 10)
    assert use is not None
    assert (use.watts, use.joules_per_1000) == (None, None)
    assert summarize_gpu([reading(0.0)], 0.0, 1.0, 10) is None
    silent = summarize_gpu([reading(at, None, utilization=None) for at in (0.0, 1.0)], 0.0, 1.0, 0)
    assert silent is not None
    assert silent.utilization is None


def sampled(*arguments: str, lines: int = 0) -> GpuSampler:
    """Run the stand-in until so many readings arrived, or until it ends."""
    with GpuSampler(shlex.join([sys.executable, str(STAND_IN), *arguments])) as sampler:
        deadline = time.monotonic() + 60
        while len(sampler.readings) < lines and time.monotonic() < deadline:
            time.sleep(0.01)
        while not lines and "said nothing" in sampler.describe() and time.monotonic() < deadline:
            time.sleep(0.01)
    return sampler


def is_running(pid_file: Path) -> bool:
    """Return whether the stand-in that wrote the file still runs."""
    return Path("/proc", pid_file.read_text()).exists()


def test_the_sampler_reads_until_it_is_closed(tmp_path: Path) -> None:
    """It names the GPUs and their driver, and ends the program."""
    sampler = sampled("--pid-file", str(tmp_path / "pid"), lines=4)
    assert sampler.describe() == "2 x NVIDIA A100-SXM4-80GB, driver 550.54.15"
    assert [one.at_s for one in sampler.readings] == sorted(one.at_s for one in sampler.readings)
    assert not is_running(tmp_path / "pid")


def test_a_program_that_ignores_the_end_is_killed(tmp_path: Path) -> None:
    """A hung driver does not hang the benchmark."""
    sampled("--stubborn", "--pid-file", str(tmp_path / "pid"), lines=2)
    assert not is_running(tmp_path / "pid")


def test_what_the_program_says_instead_is_the_reason() -> None:
    """A driver that is not loaded is told in the program's words."""
    assert sampled("--broken").describe() == (
        "none sampled (NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.)"
    )


def test_a_line_without_an_end_is_cut() -> None:
    """It would fill the memory until the run ends, and then the report."""
    with GpuSampler("sh -c \"head -c 3000000 /dev/zero | tr '\\0' x\"") as sampler:
        time.sleep(0.5)
    assert sampler.describe() == f"none sampled ({'x' * 300})"


def test_a_host_without_the_program_says_so() -> None:
    """Absent is absent: no zero, no error."""
    with GpuSampler("no-such-nvidia-smi") as sampler:
        pass
    assert sampler.describe() == "none sampled (no-such-nvidia-smi: No such file or directory)"
    with GpuSampler("", "the service runs on another host") as sampler:
        pass
    assert sampler.describe() == "none sampled (the service runs on another host)"
