"""What the bytes of a batch are, as the name under which they are kept has it."""

from __future__ import annotations

from typing import Literal, get_args

Suffix = Literal[".csv", ".parquet", ".xlsx"]
SUFFIXES: tuple[Suffix, ...] = get_args(Suffix)
