"""The clocks by which credentials age, put forward by hand."""

from datetime import datetime, timedelta, tzinfo
from types import SimpleNamespace

import pytest

from stagekeeper.kube import credentials


class Clock:
    """Both of them, `ahead` by so many seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        monotonic = credentials._now
        monkeypatch.setattr(credentials, "_now", lambda: monotonic() + self.ahead)
        monkeypatch.setattr(credentials, "datetime", SimpleNamespace(now=self._now))

    def _now(self, zone: tzinfo) -> datetime:
        return datetime.now(zone) + timedelta(seconds=self.ahead)
