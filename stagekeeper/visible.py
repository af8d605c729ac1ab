"""Text from outside, for people: what a terminal or a browser would obey instead of showing it is shown. Pure."""

from html import escape

_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def visible(text: str, keep: str = "") -> str:
    r"""`text` in which every character that is not seen, but the space, is written as its escape.

    These are control characters (a terminal obeys ESC, and 0x9b as well), the marks that turn the direction of writing
    around, separators of lines and paragraphs, invisible ones, and halves of characters: `\x1b`, `\u202e`, `\n`.
    Characters of `keep` stay as they are.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in keep else _escaped(each) for each in text)


def html_text(text: str) -> str:
    """`text` as HTML, for content and for quoted attributes: shown as `visible` says, and no markup."""
    return escape(visible(text))


def _escaped(character: str) -> str:
    return _NAMED.get(character) or ascii(character)[1:-1]
