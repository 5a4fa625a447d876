"""Accept the program's contract as it is today: `python -m tests.golden [NAME ...]` rewrites the golden files."""

from __future__ import annotations

import sys

from tests.golden.catalogue import CATALOGUE, FOLDER, difference, orphans


def main(names: list[str]) -> int:
    """Rewrite the golden files that begin with one of the names, all without names; print what changed."""
    chosen = [name for name in CATALOGUE if not names or name.startswith(tuple(names))]
    if not chosen:
        sys.stderr.write(f"There is no golden file {' or '.join(names)}; there are: {', '.join(CATALOGUE)}\n")
        return 64
    for name in chosen:
        today = CATALOGUE[name]()
        if changed := difference(name, today):
            sys.stdout.write(changed + "\n")
            (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
            (FOLDER / name).write_text(today)
    if not names:
        for name in orphans():
            sys.stdout.write(f"removed {name}\n")
            (FOLDER / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
