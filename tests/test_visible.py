import pytest

from stagekeeper.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("diego-api-0 is ready", "diego-api-0 is ready"),
        ("größe 크기 🙂", "größe 크기 🙂"),
        ("red \x1b[31m", r"red \x1b[31m"),
        ("C1 \x9b31m", r"C1 \x9b31m"),
        ("two\nlines\r\tand a tab", r"two\nlines\r\tand a tab"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("txt.\u202egpj \u2066\u2069\u200f", r"txt.\u202egpj \u2066\u2069\u200f"),
        ("no\u200bwidth\ufeff", r"no\u200bwidth\ufeff"),
        ("half \ud800", r"half \ud800"),
        ("NUL \0 and DEL \x7f", r"NUL \x00 and DEL \x7f"),
    ],
)
def test_what_would_be_obeyed_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(text).isprintable()


def test_what_is_to_be_kept_stays() -> None:
    assert visible("a\n\tb\x1b", keep="\n\t") == "a\n\tb\\x1b"
