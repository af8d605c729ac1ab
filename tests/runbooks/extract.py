"""Every command and every PromQL query that a page tells a person to type. Pure."""

import re
from collections.abc import Iterator

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?<=\n\n) {4}\S.*\n(?: {4,}\S.*\n)*")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_TYPED = re.compile(r"[a-z][\w.-]* \S")
"""Code that begins like a command: a program, a space, an argument."""
_SHELL, _QUERY = "sh", "promql"
_OTHER = frozenset({"yaml", "mermaid", "json"})


class UnknownBlockError(Exception):
    """A code block in a language that nobody has told us how to try."""


def commands(page: str, *, inline: bool) -> Iterator[str]:
    """Commands of shell blocks and of indented blocks, and with `inline` those within sentences too, in order."""
    for block in _blocks(page, _SHELL):
        whole = block.replace("\\\n", "")
        yield from (line for line in whole.splitlines() if line and not line.startswith("#"))
    bare = _COMMENT.sub("", _FENCE.sub("", page))
    for indented in _INDENTED.findall(bare):
        yield from (line.strip() for line in indented.replace("\\\n", "").splitlines())
    if inline:
        yield from (code for code in _INLINE.findall(bare) if _TYPED.match(code))


def queries(page: str) -> Iterator[str]:
    """The PromQL of a page."""
    return (block.strip() for block in _blocks(page, _QUERY))


def _blocks(page: str, language: str) -> Iterator[str]:
    for found, content in _FENCE.findall(page):
        if found not in {_SHELL, _QUERY} | _OTHER:
            raise UnknownBlockError(f"a block is marked {found!r}: teach tests/runbooks/extract.py what it is")
        if found == language:
            yield content
