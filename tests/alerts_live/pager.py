"""Who is called: Alertmanager's notifications as a person's pager gets them, with the time of each."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from tests.testbed.patience import HANG_GUARD


@dataclass(frozen=True, slots=True)
class Page:
    """One alert of one notification."""

    labels: Mapping[str, str]
    status: str
    at: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """An alert that is waited for."""

    alert: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def is_on(self, page: Page) -> bool:
        """Whether this is the alert of a page."""
        return ({"alertname": self.alert} | dict(self.labels)).items() <= page.labels.items()


class Pager:
    """A webhook receiver that keeps everything that it is told."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self._news = asyncio.Condition()

    def application(self) -> web.Application:
        """The HTTP application; any path will do."""
        app = web.Application()
        app.router.add_post("/{who}", self._receive)
        return app

    async def until(self, wanted: Wanted, status: str, since: float) -> float:
        """When the alert was first told in this status after `since`. AssertionError if it never is."""
        try:
            async with asyncio.timeout(HANG_GUARD), self._news:
                await self._news.wait_for(lambda: self._first(wanted, status, since))
        except TimeoutError:
            told = sorted(
                {
                    f"{page.labels['alertname']} of {page.labels.get('environment')} {page.status}"
                    for page in self.pages
                    if page.at >= since
                }
            )
            raise AssertionError(f"{wanted} was not {status} within {HANG_GUARD:.0f} s; told were {told}") from None
        found = self._first(wanted, status, since)
        assert found is not None
        return found.at

    def _first(self, wanted: Wanted, status: str, since: float) -> Page | None:
        return next(
            (page for page in self.pages if page.at >= since and page.status == status and wanted.is_on(page)), None
        )

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.json()
        async with self._news:
            self.pages += [Page(each["labels"], each["status"], time.monotonic()) for each in body["alerts"]]
            self._news.notify_all()
        return web.Response()
