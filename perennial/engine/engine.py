"""What every engine can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from perennial.engine.together import Rank

File = TypeVar("File")
Result = TypeVar("Result")


class Engine(Protocol):
    """Runs a function on files, one call for each: `map_files` one by one, `train` all together."""

    @property
    def spreads(self) -> bool:
        """Whether calls may run in other processes, which see only storage that they share with this one."""
        ...

    def described(self) -> str:
        """In words, with how many workers it has. Raises as `map_files`."""
        ...

    def map_files(self, step: str, function: Callable[[File], Result], files: Sequence[File]) -> list[Result]:
        """The function's result for each file, in their order.

        step: its name in the log. files: descriptions of files, with the small values that the function needs besides.
        Raises what the function raises; TransientError if the engine cannot be reached; InputError if it would not
        give the results that this process gives.
        """
        ...

    def train(self, step: str, function: Callable[[File, Rank], Result], files: Sequence[File]) -> list[Result]:
        """The function's result for each file, in their order, of calls that run at the same time and share a model.

        The results depend on how many files there are, and not on where the calls run. step, files: as of `map_files`.
        Raises as `map_files`, and TransientError if a call was lost before all had ended.
        """
        ...
