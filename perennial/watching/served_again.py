"""What was found when served predictions were compared with the training side."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldCompared:
    """A field of records whose keys came in a batch later. differing: those with another value than the batch's.

    example: of these, "served → in the batch"; empty without one.
    """

    name: str
    rows: int
    differing: int
    example: str = ""


@dataclass(frozen=True)
class ServedAgain:
    """A sample of the newest served predictions, computed again by the pipelines of their releases.

    served: how many were collected since the last batch, of which `recomputed` are the sample. differing: the ids of
    those that got other bits. refused: those whose record the present declaration does not take any more.
    fields: of a sample of the records whose keys the batch has.
    """

    served: int
    recomputed: int
    differing: tuple[str, ...]
    refused: int
    fields: tuple[FieldCompared, ...]
