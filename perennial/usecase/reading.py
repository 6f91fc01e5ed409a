"""Reading a use case's file: all of its mistakes are told at once, each with its line and the way out."""

from __future__ import annotations

from pathlib import Path

from perennial.errors import InputError
from perennial.usecase.built_in import versions_of
from perennial.usecase.declaration import UseCase
from perennial.usecase.document import Document, read_document
from perennial.usecase.mistakes import DeclarationError, Mistake, closest
from perennial.usecase.rules import broken_rules
from perennial.usecase.shape import declared
from perennial.usecase.team_files import code_of

SUFFIXES = (".yaml", ".yml")


def list_use_cases(folder: Path) -> list[str]:
    """The names of the use cases in a folder, in alphabetical order; empty where there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted({path.stem for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file()})


def use_case_name(given: str, folder: Path) -> str:
    """The name of the use case that a name, or the path of a declaration in `folder`, stands for.

    Raises InputError for a path elsewhere: runs find declarations in that folder alone.
    """
    path = Path(given)
    if path.suffix not in SUFFIXES and len(path.parts) < 2:
        return given
    inside = path.resolve().parent == folder.resolve() or (len(path.parts) == 1 and (folder / path).is_file())
    if not inside:
        known = ", ".join(list_use_cases(folder)) or "none"
        raise InputError(
            f"'{given}' lies outside the folder of use cases, {_shown(folder)}",
            code="use-case-elsewhere",
            field="USECASE",
            value=given,
            fix=f"name one that is there ({known}), or set PERENNIAL_USECASES to the folder that it lies in",
        )
    return path.stem if path.suffix in SUFFIXES else path.name


def document_of(case: UseCase) -> Document:
    """The file of a use case with the line of each field, for mistakes that show later than in its reading."""
    return read_document(case.path, _shown(case.path))


def load_use_case(name_or_path: str, folder: Path) -> UseCase:
    """The use case of that name in `folder`, or the one in the file at that path.

    A text with a suffix or a slash is a path, from the working folder. Nothing of the team's is run.
    Raises DeclarationError with every mistake in the file, or with the known names where there is no such file.
    """
    path = _file_of(name_or_path, folder)
    document = read_document(path, _shown(path))
    declaration, mistakes = declared(document)
    told = {mistake.field for mistake in (*document.mistakes, *mistakes)}
    mistakes += [mistake for mistake in broken_rules(document, path) if mistake.field not in told]
    mistakes += document.mistakes
    if mistakes or declaration is None:
        raise DeclarationError(mistakes)
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
    found = [path for path in (folder / f"{name_or_path}{suffix}" for suffix in SUFFIXES) if path.is_file()]
    if len(found) == 2:
        told = f"there is {found[1].name} too"
        mistake = Mistake(_shown(found[0]), None, "", None, told, "remove one of the two", code="declaration-two-files")
        raise DeclarationError([mistake])
    if not found:
        told = f"no use case '{name_or_path}' in {_shown(folder)}"
        missing = folder / f"{name_or_path}.yaml"
        fix = _fixes(given.stem, folder)
        raise DeclarationError(
            [Mistake(_shown(missing), None, "", name_or_path, told, fix, code="declaration-not-found")]
        )
    return found[0]


def _fixes(name: str, folder: Path) -> str:
    known = list_use_cases(folder)
    if not known:
        return "write one, or say where they are with PERENNIAL_USECASES"
    near = closest(name, known)
    return (f"did you mean '{near}'? " if near else "") + f"Known use cases: {', '.join(known)}"


def _shown(path: Path) -> str:
    """A path as a person in the working folder would write it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
