"""Commands in real processes whose streams are pipes, forked from the one of `tests.crashes` that is warm."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """What a command left behind. code: negative if a signal ended it."""

    code: int | None
    out: str
    err: str


def in_pipes(*words: str, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Ended:
    """Run `perennial WORDS` to its end. By default it has this process's environment and working folder."""
    context = multiprocessing.get_context("forkserver")
    pipes = [context.Pipe(duplex=False) for _ in range(2)]
    variables = dict(os.environ if environment is None else environment)
    where = str(folder or Path.cwd())
    process = context.Process(target=_in_pipes, args=(words, variables, where, *(end for _, end in pipes)))
    process.start()
    for _, end in pipes:
        end.close()
    with ThreadPoolExecutor(len(pipes)) as readers:
        out, err = readers.map(_everything_from, [start for start, _ in pipes])
    process.join()
    return Ended(process.exitcode, out, err)


def _everything_from(pipe: Connection) -> str:
    with pipe, os.fdopen(os.dup(pipe.fileno()), encoding="utf-8") as text:
        return text.read()


def _in_pipes(words: tuple[str, ...], variables: dict[str, str], folder: str, out: Connection, err: Connection) -> None:
    os.chdir(folder)
    perennial(words, variables, (os.open(os.devnull, os.O_RDONLY), out.fileno(), err.fileno()))


def perennial(words: tuple[str, ...], variables: Mapping[str, str], streams: tuple[int, int, int]) -> None:
    """The command in this process, which has imported everything, with these as its standard streams."""
    for standard, stream in enumerate(streams):
        os.dup2(stream, standard)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, encoding="utf-8") for number in (1, 2))
    os.environ.clear()  # what was set when the process that it is forked from was started
    os.environ.update(variables)
    sys.argv = ["perennial", *words]
    from perennial.cli import main

    main()
