"""Whether the functions and the estimator of a declaration exist, by reading their source and never running it."""

from __future__ import annotations

import ast
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

from perennial.registered import ESTIMATORS
from perennial.usecase.built_in import VERSIONS
from perennial.usecase.mistakes import closest

Wrong = tuple[str, str]
"""What is wrong, and how to fix it."""
EXTRAS = {"lightgbm": ("lightgbm",), "xgboost": ("xgboost-cpu", "xgboost")}
"""The packages in Perennial's extras, each with the distributions that contain it."""


def is_own(estimator: str) -> bool:
    """Whether an estimator is a custom function, `file.py:function`, rather than an import path."""
    return ":" in estimator


def missing_function(reference: str, folder: Path, *, takes: str = "rows") -> Wrong | None:
    """What is wrong with a `file.py:function` in `folder`; None if nothing is.

    takes: its required arguments as written; a derived feature takes `rows`, an estimator none.
    """
    file, colon, name = reference.partition(":")
    if not colon or not file.endswith(".py") or not name.isidentifier():
        near = closest(file, VERSIONS) if takes == "rows" and not file.endswith(".py") else None
        built_in = f"did you mean '{near}:{name or 'COLUMN'}'?" if near else ""
        return (
            f"'{reference}' is not a function",
            built_in or "write file.py:function, with the file next to the declaration",
        )
    if Path(file).is_absolute() or ".." in Path(file).parts:
        return f"'{file}' is outside the folder of the declaration", "put the file next to the declaration"
    if not (folder / file).is_file():
        near = closest(file, (path.name for path in folder.glob("*.py")))
        return f"no file '{file}' next to the declaration", f"did you mean '{near}'?" if near else "write it"
    try:
        body = ast.parse((folder / file).read_bytes()).body
    except (SyntaxError, ValueError) as problem:
        line = getattr(problem, "lineno", None)
        return f"{file} is not Python: {problem}", f"look at line {line} of {file}" if line else f"look at {file}"
    if wrong := _own_import(body, file, folder):
        return wrong
    functions = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
    if name not in functions:
        near = closest(name, functions)
        fix = f"did you mean '{near}'? " if near else ""
        return (
            f"no function '{name}' in {file}",
            fix + f"Define it as `def {name}({takes})` at the top level",
        )
    arguments = functions[name].args
    wanted = len(takes.split(", ")) if takes else 0
    if len([*arguments.posonlyargs, *arguments.args]) < wanted and not arguments.vararg:
        message = f"'{name}' in {file} takes no {takes.replace(', ', ' and ')}"
        signature = "rows: pd.DataFrame) -> pd.Series" if takes == "rows" else f"{takes})"
        return message, f"write `def {name}({signature}`"
    return None


def _own_import(body: list[ast.stmt], file: str, folder: Path) -> Wrong | None:
    """An import of a file in the same folder, which would not be stored with a model; None without one."""
    nodes = (node for statement in body for node in ast.walk(statement))
    for node in nodes:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        else:
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith(".") or _lies_beside(name.partition(".")[0], (folder / file).parent, folder):
                message = (
                    f"{file}:{node.lineno} imports '{name}' from its own folder, which is not stored with the model"
                )
                return message, f"move the code into {file}, or install it as a package"
    return None


def _lies_beside(name: str, *folders: Path) -> bool:
    """Whether a module is a file in one of these folders, and not from Python or an installed package."""
    if name in sys.stdlib_module_names or not any(
        (folder / f"{name}.py").is_file() or (folder / name).is_dir() for folder in folders
    ):
        return False
    spec = find_spec(name)
    places = [spec.origin, *(spec.submodule_search_locations or ())] if spec is not None else []
    return all(Path(place).is_relative_to(folders[-1]) for place in places if place and Path(place).is_absolute())


def missing_class(path: str) -> Wrong | None:
    """What is wrong with the import path of an estimator; None if it exists, or only an import could show it.

    A name without a dot is one registered by an installed package.
    """
    if "." not in path and ESTIMATORS.installed():
        return None if ESTIMATORS.has(path) else (f"unknown estimator '{path}'", ESTIMATORS.hint(path))
    *packages, name = path.split(".")
    if not packages or not all(part.isidentifier() for part in (*packages, name)):
        return f"'{path}' is not an import path", "for example sklearn.ensemble.HistGradientBoostingClassifier"
    try:
        spec = find_spec(packages[0])
    except (ImportError, ValueError):
        spec = None
    if spec is None and packages[0] == "sklearn":
        return None  # always installed, except in the image of the service, which trains nothing
    if spec is None and packages[0] in EXTRAS:
        return f"package '{packages[0]}' is not installed", f"pip install 'perennial[{packages[0]}]'"
    if spec is None:
        return f"no package '{packages[0]}' is installed here", f"install it, or correct '{path}'"
    if spec.submodule_search_locations is None:
        return _not_in(Path(spec.origin), name, path) if len(packages) == 1 and spec.origin else None
    folders = [Path(place) for place in spec.submodule_search_locations]
    for depth, part in enumerate(packages[1:], start=2):
        module = _module(folders, part)
        if module is None:
            near = closest(part, {name for folder in folders for name in _names_in(folder)})
            fix = f"did you mean '{'.'.join(packages[: depth - 1])}.{near}'?" if near else f"correct '{path}'"
            return f"no module '{'.'.join(packages[:depth])}'", fix
        if module.is_file():
            return _not_in(module, name, path) if depth == len(packages) else None
        folders = [module]
    return _not_in(folders[0] / "__init__.py", name, path)


def _module(folders: list[Path], name: str) -> Path | None:
    for folder in folders:
        for candidate in (folder / name, *(folder / (name + end) for end in (".py", *EXTENSION_SUFFIXES))):
            if candidate.exists():
                return candidate
    return None


def _names_in(folder: Path) -> list[str]:
    return [path.stem for path in folder.iterdir() if path.is_dir() or path.suffix == ".py"]


def _not_in(module: Path, name: str, path: str) -> Wrong | None:
    """None also if the module creates its names on import, so that its text does not show them."""
    if module.suffix != ".py" or not module.is_file():
        return None
    try:
        tree = ast.parse(module.read_bytes())
    except (SyntaxError, ValueError):
        return None
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            bound |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            bound.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
    if name in bound or "*" in bound or "__getattr__" in bound:
        return None
    classes = {each for each in bound if each[:1].isupper()}
    near = closest(name, classes)
    where = path.rpartition(".")[0]
    return f"no '{name}' in {where}", f"did you mean '{where}.{near}'?" if near else f"correct '{path}'"
