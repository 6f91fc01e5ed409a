"""Lines that fit a terminal: broken between words, never inside a word or a command."""

from __future__ import annotations

import re
import textwrap

_COMMAND = re.compile(r"`[^`]*`|(?:\.venv/bin/)?\b(?:perennial|mlflow)(?: \S+)+$")
_PERCENT = re.compile(r"(?<=\d) %")
_KEPT = "\0"
_PARTS = re.compile(r"[^/]*/+|[^/]+")
_NAMED = re.compile(r" *(?:[^ ]+ )+ +(?=[^ ])")
_MOST_NAMED = 20
"""Columns of a terminal that a name before a text may take, for the text's other lines to begin below its first."""


def fitted(text: str, width: int, *, in_paths: bool = False) -> str:
    """Each line of `text` in at most `width` columns; what follows keeps the line's indent, or begins below the text
    where two spaces or more part it from a name.

    A word that is longer stays whole, and so do a percentage and a command: in backticks, or at the end of a line.
    in_paths: whether a path that is longer may be broken behind a slash.

    >>> print(fitted("  to go on: `perennial run shop` once more", 30))
      to go on:
      `perennial run shop` once
      more
    >>> print(fitted("  unsure  batch: only one month has rows", 30))
      unsure  batch: only one
              month has rows
    >>> print(fitted("no file in /data/stores/north", 17, in_paths=True))
    no file in /data/
    stores/north
    """
    return "\n".join(_line(line, width, in_paths) for line in text.split("\n"))


class _InPaths(textwrap.TextWrapper):
    """Breaks a word that is longer than a line behind its slashes."""

    def _split(self, text: str) -> list[str]:
        words = super()._split(text)
        return [part for word in words for part in (_PARTS.findall(word) if self._is_long(word) else [word])]

    def _is_long(self, word: str) -> bool:
        return len(word) > self.width - len(self.subsequent_indent) and _KEPT not in word


def _line(line: str, width: int, in_paths: bool) -> str:
    if len(line) <= width:
        return line
    indent = line[: len(line) - len(line.lstrip(" "))]
    name = _NAMED.match(line)
    below = " " * name.end() if name is not None and name.end() <= _MOST_NAMED else indent
    whole = _COMMAND.sub(lambda command: command.group().replace(" ", _KEPT), line.strip(" "))
    whole = _PERCENT.sub(f"{_KEPT}%", whole)
    wrapper = (_InPaths if in_paths else textwrap.TextWrapper)(
        width,
        initial_indent=indent,
        subsequent_indent=below,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(wrapper.wrap(whole)).replace(_KEPT, " ")
