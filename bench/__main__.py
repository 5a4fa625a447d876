"""Entry point of ``python -m bench`` and of ``alchemorsel-bench``."""

import sys

from bench.errors import BenchError


def main() -> int:
    """Run the harness, where its requirements are installed.

    Returns:
        The exit status.
    """
    try:
        from bench.cli import main as run  # noqa: PLC0415 - its requirements are an extra
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] == "bench":
            raise
        sys.stderr.write(f"bench: {error.name} is not installed: install the wheel with its extra, 'FILE.whl[bench]'\n")
        return BenchError.exit_status
    return run()


if __name__ == "__main__":
    sys.exit(main())
