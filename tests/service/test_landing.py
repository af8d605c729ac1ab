from html.parser import HTMLParser

from stagekeeper.service.landing import Link, Table, landing_page


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


def test_the_page_links_to_the_endpoints_and_shows_its_tables() -> None:
    links = [Link("/metrics", "Metrics", "what Prometheus scrapes")]
    page = Page(landing_page("Exporter", "Watches.", links, [Table("Probes", ["when"], [["now"]])]).text)
    assert ("a", {"href": "/metrics"}) in page.tags
    assert {"Exporter", "Watches.", "Metrics", " - what Prometheus scrapes", "Probes", "when", "now"} <= set(page.texts)


def test_whatever_a_text_holds_it_stays_text() -> None:
    evil = "\"><script>alert('x')</script>"
    response = landing_page(evil, evil, [Link(evil, evil, evil)], [Table(evil, [evil], [[evil]])])
    page = Page(response.text)
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.texts.count(evil) == 7
    assert ("a", {"href": evil}) in page.tags


def test_a_browser_is_told_to_load_nothing_from_elsewhere() -> None:
    response = landing_page("Exporter", "", [])
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert not any(tag in {"script", "link", "img"} for tag, _ in Page(response.text).tags)


def test_what_a_browser_would_obey_is_shown() -> None:
    evil = "pod\u202egpj\x9b\u2028\n"
    page = Page(landing_page(evil, evil, [Link(evil, evil, evil)], [Table(evil, [evil], [[evil]])]).text)
    assert page.texts.count(r"pod\u202egpj\x9b\u2028\n") == 7
