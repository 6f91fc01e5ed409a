"""Reads the file of a use case and reports all mistakes at once, each with its line and how to fix it."""

from __future__ import annotations

from pathlib import Path

from perennial.errors import InputError
from perennial.usecase.built_in import versions_of
from perennial.usecase.declaration import Declaration, UseCase
from perennial.usecase.document import Document, read_document
from perennial.usecase.mistakes import DeclarationError, Mistake, closest
from perennial.usecase.rules import broken_rules
from perennial.usecase.shape import declared
from perennial.usecase.team_files import code_of

SUFFIXES = (".yaml", ".yml")


def list_use_cases(folder: Path) -> list[str]:
    """The names of the use cases in a folder, in alphabetical order; empty if the folder does not exist."""
    if not folder.is_dir():
        return []
    return sorted({path.stem for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file()})


def use_case_name(given: str, folder: Path) -> str:
    """The name of a use case, given as a name or as the path of a declaration in `folder`.

    Raises InputError for a path elsewhere, because runs look for declarations only in that folder.
    """
    path = Path(given)
    if path.suffix not in SUFFIXES and len(path.parts) < 2:
        return given
    inside = path.resolve().parent == folder.resolve() or (len(path.parts) == 1 and (folder / path).is_file())
    if not inside:
        known = ", ".join(list_use_cases(folder)) or "none"
        raise InputError(
            f"'{given}' is outside the folder of use cases, {_shown(folder)}",
            code="use-case-elsewhere",
            field="USECASE",
            value=given,
            fix=f"name one from that folder ({known}), or set PERENNIAL_USECASES to the folder of the file",
        )
    return path.stem if path.suffix in SUFFIXES else path.name


def document_of(case: UseCase) -> Document:
    """The file of a use case with the line of each field, for mistakes that are detected after reading it."""
    return read_document(case.path, _shown(case.path))


def load_use_case(name_or_path: str, folder: Path) -> UseCase:
    """The use case of that name in `folder`, or the one in the file at that path.

    A text with a suffix or a slash is a path, relative to the working folder. No custom code is run.
    Raises DeclarationError with every mistake in the file, or with the known names if there is no such file.
    """
    path = _file_of(name_or_path, folder)
    document = read_document(path, _shown(path))
    declaration, mistakes = declared(document)
    reported = {mistake.field for mistake in (*document.mistakes, *mistakes)}
    mistakes += [mistake for mistake in broken_rules(document, path) if mistake.field not in reported]
    mistakes += document.mistakes
    if mistakes or declaration is None:
        raise DeclarationError(mistakes)
    return _with_code(declaration, path)


def unchecked_use_case(name_or_path: str, folder: Path) -> UseCase | None:
    """A use case whose fields have the right form, whatever they mean together; None if they have not.

    Only for a look at its source: what is wrong with it is reported by `load_use_case`.
    """
    path = _file_of(name_or_path, folder)
    declaration, mistakes = declared(read_document(path, _shown(path)))
    return None if mistakes or declaration is None else _with_code(declaration, path)


def _with_code(declaration: Declaration, path: Path) -> UseCase:
    code = code_of(declaration.functions, path.parent)
    versions = versions_of(declaration.features.derived)
    known = declaration.model_copy(update={"code": code.digests, "built_in": versions})
    return UseCase(known, path.resolve(), code)


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
            _shown(files[0]), None, "", None, message, "remove one of the two", code="declaration-two-files"
        )
        raise DeclarationError([mistake])
    if not files:
        message = f"no use case '{name_or_path}' in {_shown(folder)}"
        missing = folder / f"{name_or_path}.yaml"
        fix = _fixes(given.stem, folder)
        raise DeclarationError(
            [Mistake(_shown(missing), None, "", name_or_path, message, fix, code="declaration-not-found")]
        )
    return files[0]


def _fixes(name: str, folder: Path) -> str:
    known = list_use_cases(folder)
    if not known:
        return "write one, or set PERENNIAL_USECASES to their folder"
    near = closest(name, known)
    return (f"did you mean '{near}'? " if near else "") + f"Known use cases: {', '.join(known)}"


def _shown(path: Path) -> str:
    """A path as a person in the working folder would write it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
