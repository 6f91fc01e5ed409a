"""The types that a column may be declared to have."""

from __future__ import annotations

from typing import Literal

ColumnType = Literal["number", "integer", "text", "boolean", "timestamp"]
