"""Reads the file of a use case and reports all mistakes at once, each with its line and how to fix it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perennial.errors import InputError
from perennial.usecase.built_in import versions_of
from perennial.usecase.declaration import Declaration, UseCase
from perennial.usecase.document import Document, read_document
from perennial.usecase.members import file_of_members
from perennial.usecase.mistakes import DeclarationError, Mistake, closest, listed
from perennial.usecase.rules import broken_rules
from perennial.usecase.shape import declared
from perennial.usecase.team_files import code_of
from perennial.usecase.template import Stamp, Template, stamp, template_at

SUFFIXES = (".yaml", ".yml")


def list_use_cases(folder: Path) -> list[str]:
    """The names of the use cases in a folder, in alphabetical order; empty if the folder does not exist.

    A template is listed by its members, and by its own name where it is too wrong to have any.
    """
    names: set[str] = set()
    for path in _files(folder):
        template = template_at(path, shown_path(path))
        names |= {path.stem} if template is None else set(template.members or (path.stem,))
    return sorted(names)


def list_templates(folder: Path) -> list[Template]:
    """The templates in a folder, in alphabetical order."""
    known = (template_at(path, shown_path(path)) for path in _files(folder))
    return [template for template in known if template is not None]


def declaring_files(folder: Path) -> list[Path]:
    """The files that declare use cases: declarations, templates, and the lists of the templates' members."""
    listings = (file_of_members(each.document, each.path) for each in list_templates(folder))
    return sorted({*_files(folder), *(each for each in listings if each is not None)})


def template_of(name: str, folder: Path) -> Template | None:
    """The template that has a use case of that name as a member; None if there is none.

    Raises DeclarationError if two have.
    """
    having = [each for each in list_templates(folder) if name in each.members]
    if len(having) > 1:
        message, fix = f"{having[1].name} and this template both declare {name}", "rename one of the two templates"
        raise DeclarationError([having[0].document.mistake(("for_each",), message, fix, code="template-members")])
    return having[0] if having else None


@dataclass(frozen=True)
class Labels:
    """By what people filter use cases. owner: empty where none is declared."""

    tags: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""


def labelled(names: Iterable[str], folder: Path) -> dict[str, Labels]:
    """Name → labels, without checking the rest of a declaration; without any where it cannot be read."""
    templates = list_templates(folder)
    return {name: _labels(name, folder, templates) for name in names}


def _labels(name: str, folder: Path, templates: Sequence[Template]) -> Labels:
    of = next((each for each in templates if name in each.members), None)
    try:
        document = _with_labels(folder / f"{name}.yaml") if of is None else of.document_of(name)
    except (DeclarationError, OSError):
        return Labels()
    if document is None:
        return Labels()
    tags = {str(key): str(value) for key, value in document.mapping("tags").items()}
    return Labels(tags, document.text("governance", "owner") or "")


def _with_labels(path: Path) -> Document | None:
    """The declaration in a file if it may have labels; most have none, and reading them would take longest."""
    text = path.read_bytes()
    return read_document(path, shown_path(path)) if b"tags" in text or b"owner" in text else None


def stamps_of(name: str, folder: Path) -> tuple[Stamp | None, ...]:
    """By which a change of what declares a use case shows; empty if nothing declares it."""
    own = stamp(folder / f"{name}.yaml")
    if own is not None:
        return (own,)
    template = template_of(name, folder)
    if template is None:
        return ()
    listing = file_of_members(template.document, template.path)
    return (stamp(template.path), stamp(listing) if listing else None)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())


def use_case_name(given: str, folder: Path) -> str:
    """The name of a use case, given as a name or as the path of a declaration in `folder`.

    Raises InputError for a path elsewhere, because runs look for declarations only in that folder.
    """
    path = Path(given)
    if path.suffix not in SUFFIXES and len(path.parts) < 2:
        return given
    inside = path.resolve().parent == folder.resolve() or (len(path.parts) == 1 and (folder / path).is_file())
    if not inside:
        known = listed(list_use_cases(folder)) or "none"
        raise InputError(
            f"'{given}' is outside the folder of use cases, {shown_path(folder)}",
            code="use-case-elsewhere",
            field="USECASE",
            value=given,
            fix=f"name one from that folder ({known}), or set PERENNIAL_USECASES to the folder of the file",
        )
    return path.stem if path.suffix in SUFFIXES else path.name


def document_of(case: UseCase) -> Document:
    """The file of a use case with the line of each field, for mistakes that are detected after reading it."""
    template = template_at(case.path, shown_path(case.path))
    return template.document_of(case.name) if template else read_document(case.path, shown_path(case.path))


def load_use_case(name_or_path: str, folder: Path) -> UseCase:
    """The use case of that name in `folder`, or the one in the file at that path.

    A text with a suffix or a slash is a path, relative to the working folder. No custom code is run.
    Raises DeclarationError with every mistake in the file, or with the known names if there is no such file.
    """
    path, document, name = _located(name_or_path, folder)
    declaration, mistakes = declared(document)
    reported = {mistake.field for mistake in (*document.mistakes, *mistakes)}
    broken = broken_rules(document, path.with_stem(name))
    mistakes += [mistake for mistake in broken if mistake.field not in reported]
    mistakes += document.mistakes
    if mistakes or declaration is None:
        raise DeclarationError(mistakes)
    return _with_code(declaration, path)


def unchecked_use_case(name_or_path: str, folder: Path) -> UseCase | None:
    """A use case whose fields have the right form, whatever they mean together; None if they have not.

    Only for a look at its source: what is wrong with it is reported by `load_use_case`.
    """
    path, document, _ = _located(name_or_path, folder)
    declaration, mistakes = declared(document)
    return None if mistakes or declaration is None else _with_code(declaration, path)


def _with_code(declaration: Declaration, path: Path) -> UseCase:
    code = code_of(declaration.functions, path.parent)
    versions = versions_of(declaration.features.derived)
    known = declaration.model_copy(update={"code": code.digests, "built_in": versions})
    return UseCase(known, path.resolve(), code)


def _located(name_or_path: str, folder: Path) -> tuple[Path, Document, str]:
    """The file that declares a use case, its document, and the name that the use case must have.

    Raises DeclarationError for a template that is wrong or is named itself.
    """
    of = None if (folder / f"{name_or_path}.yaml").is_file() else template_of(name_or_path, folder)
    if of is not None:
        if of.mistakes:
            raise DeclarationError(of.mistakes)
        return of.path, of.document_of(name_or_path), name_or_path
    path = _file_of(name_or_path, folder)
    template = template_at(path, shown_path(path))
    if template is not None:
        raise DeclarationError(template.mistakes or [_a_template(template)])
    return path, read_document(path, shown_path(path)), path.stem


def _a_template(template: Template) -> Mistake:
    message = f"is a template of {len(template.members)} use cases, and no use case"
    fix = f"name one of them: {listed(list(template.members))}"
    place = ("for_each",)
    return Mistake(
        template.document.file, template.document.line(place), "for_each", None, message, fix, code="template-named"
    )


def _file_of(name_or_path: str, folder: Path) -> Path:
    given = Path(name_or_path)
    if given.suffix in SUFFIXES or len(given.parts) > 1:
        if given.is_file():
            return given
        fix = _fixes(given.stem, folder)
        raise DeclarationError(
            [Mistake(name_or_path, None, "", None, "no such file", fix, code="declaration-not-found")]
        )
    files = [path for path in (folder / f"{name_or_path}{suffix}" for suffix in SUFFIXES) if path.is_file()]
    if len(files) == 2:
        message = f"{files[1].name} exists too"
        mistake = Mistake(
            shown_path(files[0]), None, "", None, message, "remove one of the two", code="declaration-two-files"
        )
        raise DeclarationError([mistake])
    if not files:
        message = f"no use case '{name_or_path}' in {shown_path(folder)}"
        missing = folder / f"{name_or_path}.yaml"
        fix = _fixes(given.stem, folder)
        raise DeclarationError(
            [Mistake(shown_path(missing), None, "", name_or_path, message, fix, code="declaration-not-found")]
        )
    return files[0]


def _fixes(name: str, folder: Path) -> str:
    broken = {each.name for each in list_templates(folder) if each.mistakes}
    known = sorted({*list_use_cases(folder), *broken})  # a template that is wrong is what has to be looked at
    if not known:
        return "write one, or set PERENNIAL_USECASES to their folder"
    near = closest(name, known)
    return (f"did you mean '{near}'? " if near else "") + f"Known use cases: {listed(known)}"


def shown_path(path: Path) -> str:
    """A path as a person in the working folder would write it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
