"""Files of models that were moved to an archive."""

from __future__ import annotations

from perennial.ledger.entries.entry import Recorded


class ModelArchived(Recorded):
    """A model version whose files were moved to the archive. Key: `version/digest`.

    digest: of its files then, which an erasure may change later. file: their name in the archive. sha256, bytes: of
    that file. An erasure takes the files back, after which the archive does not have them; the row stays.
    """

    version: int
    digest: str
    file: str
    sha256: str
    bytes: int

    @property
    def key(self) -> str:
        return key_of(self.version, self.digest)


def key_of(version: int, digest: str) -> str:
    """The key of the row about a version with that digest."""
    return f"{version}/{digest}"
