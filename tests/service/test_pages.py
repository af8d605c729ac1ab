from html.parser import HTMLParser

from stagekeeper.service.pages import Facts, Link, Listing, Section, Table, page_response


class Page(HTMLParser):
    """What a browser would make of a page: its tags with their attributes, and its text."""

    def __init__(self, text: str | None) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text or "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


def full(text: str) -> Page:
    """A page that has one text everywhere, twelve times to be read and once as an address."""
    link = Link(text, text, text)
    sections: list[Section] = [Table(text, [text], [[text]]), Facts(text, [(text, text)]), Listing(text, [link])]
    return Page(page_response(text, text, sections).text)


def test_sections_are_shown_with_their_links() -> None:
    sections: list[Section] = [
        Listing("Endpoints", [Link("/metrics", "Metrics", "what Prometheus scrapes")]),
        Table("Probes", ["when"], [["now"], [Link("/probes/1", "before")]]),
        Facts("Diagnosis", [("name", "serving")]),
    ]
    page = Page(page_response("Exporter", "Watches.", sections).text)
    assert [attributes["href"] for tag, attributes in page.tags if tag == "a"] == ["/metrics", "/probes/1"]
    said = ["Exporter", "Watches.", "Metrics", " - what Prometheus scrapes", "when", "now", "before", "name", "serving"]
    assert set(said) <= set(page.texts)


def test_whatever_a_text_holds_it_stays_text() -> None:
    evil = "\"><script>alert('x')</script>"
    page = full(evil)
    assert "script" not in {tag for tag, _ in page.tags}
    assert sum(evil in text for text in page.texts) == 12
    assert ("a", {"href": evil}) in page.tags


def test_what_a_browser_would_obey_is_shown() -> None:
    page = full("pod\u202egpj\x9b\u2028\n")
    assert sum(r"pod\u202egpj\x9b\u2028\n" in text for text in page.texts) == 12


def test_a_browser_is_told_to_load_nothing_from_elsewhere() -> None:
    response = page_response("Exporter", "", [])
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert not any(tag in {"script", "link", "img"} for tag, _ in Page(response.text).tags)
