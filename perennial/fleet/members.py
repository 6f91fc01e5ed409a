"""Which use cases of a folder a fleet command is about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from perennial.errors import InputError
from perennial.usecase.mistakes import hint
from perennial.usecase.reading import labelled, list_templates, list_use_cases


@dataclass(frozen=True)
class Chosen:
    """By what use cases are chosen: all where nothing is given.

    template: only its members. tags: only those with all of these, each `name=value`. owner: only those of this owner.
    """

    template: str | None = None
    tags: tuple[str, ...] = ()
    owner: str | None = None


def chosen(folder: Path, by: Chosen) -> list[str]:
    """The names of the chosen use cases, in alphabetical order.

    Raises InputError for a template that does not exist, for a tag without a value, and if tags or owner choose none;
    DeclarationError for a template with mistakes.
    """
    wanted = {pair(tag) for tag in by.tags}
    names = list_use_cases(folder) if by.template is None else _members(folder, by.template)
    if not wanted and by.owner is None:
        return names
    labels = labelled(names, folder)
    kept = [name for name in names if wanted <= labels[name].tags.items() and by.owner in (None, labels[name].owner)]
    if not kept:
        raise _nothing_chosen(by, {each.owner for each in labels.values() if each.owner})
    return kept


def _nothing_chosen(by: Chosen, owners: Collection[str]) -> InputError:
    """The error about tags and an owner that no use case has together. owners: of all use cases that could be meant."""
    of_tags = "tags are in the declaration, or are columns of the list of its members" if by.tags else ""
    of_owner = f"{hint(by.owner, owners, 'owners')}; it is `governance.owner` of a declaration" if by.owner else ""
    return InputError(
        f"no use case has {' and '.join(filter(None, (*by.tags, by.owner and f'owner {by.owner}')))}",
        code="fleet-nothing-chosen",
        field="tag" if by.tags else "owner",
        value=", ".join(by.tags) or by.owner,
        fix="; ".join(filter(None, (of_tags, of_owner))),
    )


def pair(tag: str) -> tuple[str, str]:
    """A tag as its name and value. Raises InputError.

    >>> pair("region=north")
    ('region', 'north')
    """
    name, equals, value = tag.partition("=")
    if not (name and equals and value):
        raise InputError(
            f"{tag!r} is not a name and a value", code="tag-invalid", field="tag", value=tag, fix="write region=north"
        )
    return name, value


def _members(folder: Path, template: str) -> list[str]:
    known = {each.name: each for each in list_templates(folder)}
    if template not in known:
        if template in list_use_cases(folder):
            raise InputError(
                f"{template!r} is a use case, no template",
                code="template-is-use-case",
                field="template",
                value=template,
                fix="Run it alone; a template is a declaration with a `for_each`.",
            )
        raise InputError(
            f"there is no template {template!r} in {folder}",
            code="template-unknown",
            field="template",
            value=template,
            fix=hint(template, known, "templates"),
        )
    return sorted(known[template].members)
