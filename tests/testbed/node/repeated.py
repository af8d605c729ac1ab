"""Something that is done again and again, beside what a test does."""

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def repeated(once: Callable[[], None], every: float, *passes: type[Exception]) -> Iterator[None]:
    """Do something every so many seconds while the body runs; what `passes` may keep a round from its end."""
    closing = threading.Event()

    def run() -> None:
        while not closing.wait(every):
            with contextlib.suppress(*passes):
                once()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        closing.set()
        thread.join()
