"""Words of others in our messages: one line, bounded, without what a terminal or a log would obey. Pure."""

import re
import unicodedata
from html import unescape

_TITLE = re.compile(r"<(?:title|h1)[^>]*>(.*?)</", re.IGNORECASE | re.DOTALL)
_PAGE = re.compile(r"\s*(?:<\?xml|<!doctype|<html|<head|<body)", re.IGNORECASE)


def one_line(text: str, most: int) -> str:
    """`text` in one line of at most `most` characters, without control characters."""
    plain = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text[: 8 * most])
    words = " ".join(plain.split())
    return words if len(words) <= most else f"{words[: most - 3]}..."


def sentence(text: str) -> str:
    """`text` with a full stop at its end, so that another sentence can follow; "" stays so."""
    words = text.strip()
    return words if not words or words.endswith((".", "!", "?", "…")) else f"{words}."


def page(text: str) -> str | None:
    """What an HTML page says of itself; None if `text` is none."""
    if not _PAGE.match(text):
        return None
    title = _TITLE.search(text)
    words = one_line(unescape(re.sub(r"<[^>]*>", " ", title[1])), 100) if title else ""
    return f'an HTML page ("{words}")' if words else "an HTML page"
