"""What is wrong with a file that is not YAML, in the words of a person who writes one."""

from __future__ import annotations

import re

_WORDS = (
    (r"quoted scalar.*found unexpected end of stream", "a quotation mark is opened and never closed"),
    (r"flow (?:node|sequence|mapping).*<stream end>", "a [ or { is opened and never closed"),
    (r"flow sequence.*expected ',' or ']'", "a [ is opened and not closed with ], or a comma is missing in the list"),
    (r"flow mapping.*expected ',' or '}'", "a { is opened and not closed with }, or a comma is missing between fields"),
    (r"mapping values are not allowed here", "a second ': ' in one line, or a line that is indented too far"),
    (r"could not find expected ':'", "a line without ':' after the name of a field"),
    (r"expected <block end>", "a line is not indented like the lines above it that it belongs to"),
    (r"found character '\\t'", "a tab where spaces are needed"),
    (r"found character '[@`%]'", "a text that begins with @, ` or % needs quotation marks"),
)


def yaml_words(message: str) -> str:
    r"""PyYAML's message in plain words; the message itself where there are none for it.

    >>> yaml_words("while parsing a flow node expected the node content, but found '<stream end>'")
    'a [ or { is opened and never closed'
    >>> yaml_words("expected a single document in the stream")
    'expected a single document in the stream'
    """
    return next((words for pattern, words in _WORDS if re.search(pattern, message)), message)
