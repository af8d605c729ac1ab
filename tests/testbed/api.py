"""The smallest possible client of a Kubernetes API, independent of the product's own, so that tests can judge that."""

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_REQUEST_SECONDS = 30.0


class ApiError(Exception):
    """The API server answered with an error; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Api:
    """An API server as the holder of one token sees it. Blocking."""

    url: str
    ca_file: Path
    token: str

    def request(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> Any:
        """Send JSON, return JSON (or text); raises ApiError, and URLError (an OSError) where nothing answers."""
        request = urllib.request.Request(  # noqa: S310 - the URL is the test bed's own
            f"{self.url}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": content_type},
            method=method,
        )
        # No look for proxies: other threads read the environment while pytest writes to it.
        handler = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.ca_file))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), handler)
        try:
            with opener.open(request, timeout=_REQUEST_SECONDS) as answer:
                content: bytes = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode(errors="replace")
            raise ApiError(error.code, f"{method} {path} answered {error.code}: {text}") from error
        return json.loads(content) if content.startswith(b"{") else content.decode()

    def exists(self, path: str) -> bool:
        """Whether a GET succeeds; False as well while nothing answers."""
        try:
            self.request("GET", path)
        except (ApiError, OSError):
            return False
        return True
