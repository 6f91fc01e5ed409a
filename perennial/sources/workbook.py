"""A sheet of an Excel workbook as a table: its first row has the names, each column the type of its cells."""

from __future__ import annotations

import io
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from perennial.errors import InputError
from perennial.sources.opened import UnreadableBatch

if TYPE_CHECKING:
    import pyarrow as pa

    from perennial.sources.read_options import ReadOptions


def sheet_table(data: bytes, read: ReadOptions) -> pa.Table:
    """The rows of the sheet that `read` names, or of the only one that has any; empty rows are left out.

    Raises UnreadableBatch for what is no workbook, has no such sheet, or several where none is named; InputError
    where the package that reads workbooks is not installed.
    """
    import pyarrow as pa

    header, *rows = sheet_rows(data, read)
    names = ["" if cell is None else _text(cell).strip() for cell in header]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise UnreadableBatch(f"the header names {', '.join(map(repr, twice))} twice\n  give each column one name")
    wide = [[*row, *[None] * (len(names) - len(row))] for row in rows if any(cell is not None for cell in row)]
    columns = {
        name: _column([row[place] for row in wide]) for place, name in enumerate(names) if name or _any(wide, place)
    }
    return pa.table(columns)


def sheet_names(data: bytes) -> list[str]:
    """The sheets of a workbook that have rows. Raises as `sheet_table`."""
    workbook = _opened(data)
    return [name for name in workbook.sheet_names if workbook.get_sheet_by_name(name).height]


def sheet_rows(data: bytes, read: ReadOptions) -> list[list[Any]]:
    """The cells of the sheet, row by row, from its header on; None for an empty one. Raises as `sheet_table`."""
    names = sheet_names(data)
    if read.sheet is None and len(names) != 1:
        sheets = f"has {len(names)} sheets with rows ({', '.join(names[:6])})" if names else "has no row"
        raise UnreadableBatch(f"the workbook {sheets}", fix="write `sheet: NAME` under source.read" if names else "")
    name = read.sheet or names[0]
    if name not in names:
        raise UnreadableBatch(
            f"the workbook has no sheet {name!r} with rows", fix=f"it has {', '.join(names[:6]) or 'none'}"
        )
    rows = _opened(data).get_sheet_by_name(name).to_python(skip_empty_area=True)[read.skip_lines :]
    if not rows:
        raise UnreadableBatch(
            f"the sheet {name!r} has no more than {read.skip_lines} rows, which are skipped",
            fix="correct `skip_lines` under source.read",
        )
    return [[None if cell == "" else cell for cell in row] for row in rows]


def _opened(data: bytes) -> Any:
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as problem:
        raise InputError(
            "the package that reads Excel workbooks is not installed", fix="pip install 'perennial[excel]'"
        ) from problem
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(data))
    except (CalamineError, OSError, ValueError) as problem:
        raise UnreadableBatch(
            f"the file is no Excel workbook that can be read: {problem}", fix="save it again as .xlsx, or as CSV"
        ) from problem


def _any(rows: list[list[Any]], place: int) -> bool:
    return any(row[place] is not None for row in rows)


def _column(cells: list[Any]) -> pa.Array:
    """Cells of one type as that type; mixed ones as the texts that they would be written with."""
    import pyarrow as pa

    there = {type(cell) for cell in cells if cell is not None}
    if there <= {bool}:
        return pa.array(cells, pa.bool_())
    if there <= {int}:
        return pa.array(cells, pa.int64())
    if there <= {int, float}:
        return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
    if there <= {datetime, date}:
        return pa.array([None if cell is None else _instant(cell) for cell in cells], pa.timestamp("us"))
    return pa.array([None if cell is None else _text(cell) for cell in cells], pa.string())


def _instant(cell: date) -> datetime:
    return cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, datetime | date | time) else str(cell)
