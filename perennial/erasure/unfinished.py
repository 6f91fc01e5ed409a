"""What an erasure is about to change, noted before its first change, so that a killed one is recorded whole.

The note has counts and names of batches and files, never a key: with the same keys, the command goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import TypeAdapter

from perennial.fault_points import write
from perennial.ledger.entries import ModelErased
from perennial.store.files import Files
from perennial.store.tables import Name


@dataclass(frozen=True)
class Begun:
    """number: of the erasure. tables: table → batch → rows it had before. landings: name → rows to erase.

    files: kind → names of the files to change. models: as they were before.
    stays: kind of row of the ledger → how many have a value that stays.
    """

    number: int
    tables: dict[Name, dict[str, int]] = field(default_factory=dict)
    landings: dict[str, int] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)
    models: tuple[ModelErased, ...] = ()
    stays: dict[str, int] = field(default_factory=dict)

    def with_former(self, former: Begun | None) -> Begun:
        """Together with what a killed call of the same erasure noted, which counted before anything was changed."""
        if former is None or former.number != self.number:
            return self
        tables = {name: {**batches, **former.tables.get(name, {})} for name, batches in self.tables.items()}
        files = {kind: sorted({*names, *former.files.get(kind, [])}) for kind, names in self.files.items()}
        models = {each.version: each for each in (*self.models, *former.models)}
        return Begun(
            self.number,
            {**former.tables, **tables},
            {**self.landings, **former.landings},
            {**former.files, **files},
            tuple(models[version] for version in sorted(models)),
            {**self.stays, **former.stays},
        )


_BEGUN = TypeAdapter(Begun)


@dataclass(frozen=True)
class Note:
    """The note of a use case, for erasures with one cause. It is there while one is unfinished."""

    files: Files
    usecase: str
    cause: str

    @property
    def _name(self) -> str:
        return f"erasing/{self.usecase}.{self.cause}.json"

    def read(self) -> Begun | None:
        """What a killed call noted; None if there is nothing unfinished."""
        noted = self.files.get(self._name)
        return _BEGUN.validate_json(noted) if noted is not None else None

    def begin(self, begun: Begun) -> None:
        """Note what is about to change."""
        with write("erasure_begun"):
            self.files.put(self._name, _BEGUN.dump_json(begun))

    def end(self) -> None:
        """Nothing is unfinished any more."""
        with write("erasure_ended"):
            self.files.remove(self._name)
