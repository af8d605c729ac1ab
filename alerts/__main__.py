"""`python -m alerts` writes the runbooks."""

from alerts.runbooks.pages import ROOT, pages


def main() -> None:
    """Write every page from the texts in alerts/runbooks/ and the facts of the rule files."""
    for path, content in pages().items():
        (ROOT / path).write_text(content, encoding="utf-8")
        print(path)  # noqa: T201 -- what was written is this command's output


if __name__ == "__main__":
    main()
