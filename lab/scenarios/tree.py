"""What was run: the revision of the checkout, and a fingerprint of everything that scenarios run from."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lab.command import run
from lab.errors import CommandFailedError

_DEADLINE_S = 60
# Pages and their record change without a scenario running otherwise.
_RUN_FROM = (".", ":!docs", ":!*.md")


@dataclass(frozen=True)
class Tree:
    """A state of the checkout, but for documents."""

    revision: str
    """The commit that is checked out; empty where there is no git to ask."""

    is_clean: bool
    """Whether the files are those of the commit."""

    fingerprint: str
    """Of the names, modes and contents of all files that git does not ignore, committed or not; empty as above."""

    @classmethod
    def here(cls, root: Path) -> Tree:
        """The checkout as it is now; nothing in it is touched."""
        try:
            return cls._ask_git(root)
        except CommandFailedError:
            return cls(revision="", is_clean=False, fingerprint="")

    @classmethod
    def _ask_git(cls, root: Path) -> Tree:

        def git(*words: str, index: Path | None = None) -> str:
            env = os.environ | ({"GIT_INDEX_FILE": str(index)} if index else {})
            return run(["git", *words], timeout_s=_DEADLINE_S, cwd=root, env=env).strip()

        revision = git("rev-parse", "HEAD")
        is_clean = not git("status", "--porcelain", "--", *_RUN_FROM)
        with tempfile.TemporaryDirectory() as folder:
            # A copy of the index, which knows what is unchanged, takes up the rest.
            index = Path(folder) / "index"
            shutil.copy(root / git("rev-parse", "--git-path", "index"), index)
            git("add", "--all", index=index)
            files = git("ls-files", "--stage", "--", *_RUN_FROM, index=index)
        return cls(revision, is_clean, hashlib.sha256(files.encode()).hexdigest())


def is_in_history(revision: str, root: Path) -> bool:
    """Whether a commit is what is checked out, or came before it."""
    try:
        run(["git", "merge-base", "--is-ancestor", revision, "HEAD"], timeout_s=_DEADLINE_S, cwd=root)
    except CommandFailedError:
        return False
    return True
