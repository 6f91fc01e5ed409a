"""A git repository: each anchor is a commit on a branch for anchors, with a tag. Nothing else in it is touched.

If the repository has remotes, branch and tag are pushed to each of them.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from perennial.governance.anchor import Anchor, separated
from perennial.governance.places import NotDelivered

BRANCH = "refs/heads/perennial-anchors"
FILE = "anchors.txt"
SECONDS = 60.0
_ATTEMPTS = 5
_AUTHOR = ("-c", "user.name=Perennial", "-c", "user.email=perennial@localhost")


@dataclass(frozen=True)
class AnchorRepository:
    """A local repository, bare or not."""

    path: Path

    @property
    def shown(self) -> str:
        """Its address."""
        return f"git:{self.path}"

    def read(self) -> str:
        """The file of the branch; empty before the first anchor."""
        return self._git("show", f"{BRANCH}:{FILE}") if self._tip() else ""

    def add(self, anchor: Anchor, note: str) -> None:
        """Commit and tag it, then push. Another process may commit in between: then it is done again on top."""
        for _ in range(_ATTEMPTS):
            tip = self._tip()
            if self._commit(anchor, note, tip):
                return self.finish()
        raise NotDelivered(f"{self.path}: other processes committed {_ATTEMPTS} times in between")

    def _commit(self, anchor: Anchor, note: str, tip: str) -> bool:
        """Whether the branch still ended at `tip` and now ends at the new commit."""
        before = self._git("show", f"{tip}:{FILE}") if tip else ""
        blob = self._git("hash-object", "-w", "--stdin", content=before + separated(note, before)).strip()
        tree = self._git("mktree", content=f"100644 blob {blob}\t{FILE}\n").strip()
        title = f"{anchor.usecase}: row {anchor.head.position} of the ledger"
        commit = self._git("commit-tree", tree, *(("-p", tip) if tip else ()), "-m", title).strip()
        tag = f"refs/tags/perennial/{anchor.usecase}/{anchor.head.position}"
        moves = f"update {BRANCH} {commit} {tip or '0' * len(commit)}\ncreate {tag} {commit}\n"
        try:
            self._git("update-ref", "--stdin", content=moves)
        except NotDelivered:
            if self._tip() != tip:
                return False
            raise
        return True

    def finish(self) -> None:
        """Push what it has."""
        for remote in self._git("remote").split():
            self._git("push", "--quiet", "--atomic", remote, BRANCH, "refs/tags/perennial/*:refs/tags/perennial/*")

    def _tip(self) -> str:
        """The branch's last commit, empty before the first."""
        return self._git("for-each-ref", "--format=%(objectname)", BRANCH).strip()

    def _git(self, *command: str, content: str = "") -> str:
        try:
            done = subprocess.run(
                ["git", "-C", str(self.path), *_AUTHOR, *command],
                input=content,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=SECONDS,
                start_new_session=True,  # without a terminal, it cannot ask for a password
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotDelivered(f"git {command[0]} in {self.path}: {error}") from error
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
            raise NotDelivered(f"git {command[0]} in {self.path}: {last}")
        return done.stdout


def open_place(address: str, _: Path) -> AnchorRepository:
    """The repository of `git:/path`."""
    return AnchorRepository(Path(address.partition(":")[2]))
