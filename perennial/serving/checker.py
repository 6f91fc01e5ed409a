"""Checks the records of a request against the declaration.

A correct record is decoded in one step, by a decoder made from the declaration. Only if that fails, each field is
checked by itself, so that every mistake can be listed with its fix.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from perennial.serving.domain import Domain
from perennial.serving.fields import Field, Fields
from perennial.serving.request import MOST_MISTAKES, BadField, BadRecords, Checked, Note, shown
from perennial.serving.values import EXAMPLES, INTEGERS, LARGEST, Unreadable, reader
from perennial.usecase.mistakes import closest

_MEMBER = "expects a list of records, each a mapping from field to value"


class _Mistaken(Exception):
    """There is a mistake somewhere."""


class Checker:
    """Checks records of one use case.

    fields: of its records. seen: text column → values that a live model was trained on.
    domains: what values of a field must be, or else are noted.
    """

    def __init__(self, fields: Fields, seen: Mapping[str, frozenset[str]], domains: Sequence[Domain] = ()) -> None:
        import msgspec

        self._fields, self._hidden = fields.fields, fields.hidden
        self._seen = [(name, values) for name, values in seen.items() if name in fields.names and values]
        self._domains = tuple(domain for domain in domains if domain.field in fields.names)
        self._readers = {field.name: reader(field.kind, fields.timezone) for field in fields.fields}
        self._times = [(field.name, self._readers[field.name]) for field in fields.fields if field.kind == "timestamp"]
        self._texts = [field.name for field in fields.fields if field.kind == "text"]
        ordered = sorted(fields.fields, key=lambda field: not field.required)  # a struct's required fields come first
        self._order = tuple(field.name for field in ordered)
        record = _struct(ordered, sorted(fields.hidden))
        self._decode = msgspec.json.Decoder(list[record]).decode  # type: ignore[valid-type]
        self._convert = lambda records: msgspec.convert(records, list[record])  # type: ignore[valid-type]
        self._values = msgspec.structs.astuple
        self._wrong = (msgspec.MsgspecError, _Mistaken, Unreadable, UnicodeError, RecursionError)

    def decode(self, body: bytes) -> Checked:
        """Check a JSON list of records. Raises BadRecords with every mistake."""
        try:
            return self._fast(self._decode(body))
        except self._wrong:
            checked = self._slow(_parsed(body))
        _refuse_loose(body)
        return checked

    def check(self, records: Any) -> Checked:
        """Check records that are decoded already: a list of mappings. Raises BadRecords with every mistake."""
        try:
            return self._fast(self._convert(records))
        except self._wrong:
            return self._slow(records)

    def _fast(self, rows: list[Any]) -> Checked:
        """Raises one of `_wrong` if there is a mistake."""
        if not rows:
            raise _Mistaken
        columns: dict[str, Sequence[Any]] = dict(
            zip(self._order, zip(*map(self._values, rows), strict=True), strict=False)
        )
        for name in self._texts:
            if "" in columns[name]:  # an empty text is missing, as in a batch
                columns[name] = [value or None for value in columns[name]]
        for name, read in self._times:
            columns[name] = [None if text is None else read(text) for text in columns[name]]
        for domain in self._domains:
            if domain.required and not all(map(domain.holds, columns[domain.field])):
                raise _Mistaken
        return Checked(len(rows), columns, self._notes(columns))

    def _notes(self, columns: Mapping[str, Sequence[Any]]) -> tuple[Note, ...]:
        notes = []
        for name, known in self._seen:
            for row, value in enumerate(columns[name]):
                if value not in known and value is not None and not isinstance(value, bool):
                    message = f"{name}: {shown(value)} was never seen in training and counts as unknown"
                    notes.append(Note(row, name, "unseen-category", value, message))
        for domain in self._domains:
            if domain.required:
                continue
            for row, value in enumerate(columns[domain.field]):
                if not domain.holds(value):
                    message = f"{domain.field}: {shown(value)} is not {domain.words}"
                    notes.append(Note(row, domain.field, "not-in-domain", value, message))
        return tuple(sorted(notes, key=lambda note: note.row)) if notes else ()

    def _slow(self, records: Any) -> Checked:
        if not isinstance(records, list | tuple) or not records:
            what = "no record" if isinstance(records, list | tuple) else f"{shown(records)} is not a list"
            raise BadRecords((BadField(0, None, "no-records", None, what, f"the service {_MEMBER}"),))
        mistakes: list[BadField] = []
        columns: dict[str, list[Any]] = {field.name: [] for field in self._fields}
        for row, record in enumerate(records):
            mistakes += self._record(row, record, columns)
            if len(mistakes) >= MOST_MISTAKES:
                break
        if mistakes:
            raise BadRecords(tuple(mistakes[:MOST_MISTAKES]))
        return Checked(len(records), columns, self._notes(columns))

    def _record(self, row: int, record: Any, columns: dict[str, list[Any]]) -> list[BadField]:
        """The mistakes of one record, whose values are appended to `columns`."""
        if not isinstance(record, Mapping):
            return [BadField(row, None, "not-a-record", record, f"{shown(record)} is not a record", _MEMBER)]
        mistakes = []
        for field in self._fields:
            value, wrong = self._value(row, field, record)
            columns[field.name].append(value)
            mistakes += wrong
        wrong_fields = {mistake.field for mistake in mistakes}
        for domain in self._domains:
            value = columns[domain.field][row]
            if domain.required and domain.field not in wrong_fields and not domain.holds(value):
                message = f"{domain.field}: {shown(value)} is not {domain.words}"
                fix = "correct it; in a batch, such a row is set aside"
                mistakes.append(BadField(row, domain.field, "not-in-domain", value, message, fix))
        for name in record:
            if name not in columns and name not in self._hidden:
                near = closest(str(name), columns)
                fix = f"did you mean {near!r}?" if near else f"remove it; the fields are {', '.join(columns)}"
                message = f"{shown(name)} is not a field"
                mistakes.append(BadField(row, str(name), "unknown", record[name], message, fix))
        return mistakes

    def _value(self, row: int, field: Field, record: Mapping[Any, Any]) -> tuple[Any, list[BadField]]:
        name = field.name
        if name not in record:
            if not field.required:
                return None, []
            fix = f"send {EXAMPLES[field.kind]}, or null if it is not known"
            return None, [BadField(row, name, "missing", None, f"{name}: is missing", fix)]
        value = record[name]
        if value is None:
            return None, []
        try:
            return self._readers[name](value), []
        except Unreadable as problem:
            message = f"{name}: {shown(value)} {problem.what}"
            return None, [BadField(row, name, problem.code, value, message, problem.fix)]


def _struct(fields: Sequence[Field], hidden: Sequence[str]) -> Any:
    """The msgspec type of a record. Fields that no model may see are taken and ignored."""
    import msgspec

    # What is at or beyond a bound is left to the field's reader, which sees how it was written.
    bounds = msgspec.Meta(gt=-float(LARGEST), lt=float(LARGEST)), msgspec.Meta(ge=INTEGERS[0], le=INTEGERS[1])
    types: dict[str, Any] = {"number": Annotated[float, bounds[0]], "integer": Annotated[int, bounds[1]]}
    types |= {"text": str, "boolean": bool, "timestamp": str}
    names: dict[str, str] = {}
    members: list[Any] = []
    for place, field in enumerate(fields):
        names[f"f{place}"] = field.name
        kind = types[field.kind] | None
        members.append((f"f{place}", kind) if field.required else (f"f{place}", kind, None))
    for place, name in enumerate(hidden):
        names[f"h{place}"] = name
        members.append((f"h{place}", Any, None))
    return msgspec.defstruct("Record", members, rename=names, forbid_unknown_fields=True, gc=False)


def _parsed(body: bytes) -> Any:
    """JSON as Python reads it, with NaN and infinities, which are listed as mistakes. Raises BadRecords."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise not_json("it is nested too deeply" if isinstance(error, RecursionError) else str(error)) from error


def _refuse_loose(body: bytes) -> None:
    """Raise BadRecords for what Python reads though it is no JSON in UTF-8: UTF-16, NaN, half a surrogate pair.

    Whoever reads the log of served predictions could not read such a record.
    """
    import msgspec

    try:
        msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise not_json(str(error)) from error


def not_json(what: str) -> BadRecords:
    """A body that holds no records at all."""
    return BadRecords(
        (BadField(0, None, "not-json", None, f"the body is not JSON in UTF-8: {what}", f"the service {_MEMBER}"),)
    )
