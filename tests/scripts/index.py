"""A package index on loopback that remembers what it was asked for, and the smallest wheels that can be installed."""

import base64
import contextlib
import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


@dataclass(slots=True)
class Index:
    """What is served, by file name, and the paths that were asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def add(self, name: str, version: str, content: Mapping[str, str], requires: str) -> str:
        """Serve a wheel with these files in it; returns its SHA-256."""
        file, data = wheel(name, version, content, requires)
        self.files[file] = data
        return hashlib.sha256(data).hexdigest()

    def answer(self, path: str) -> bytes | None:
        """A page or a file; None if there is none."""
        self.asked.append(path)
        kind, _, name = unquote(path).strip("/").partition("/")
        if kind == "files":
            return self.files.get(name)
        prefix = f"{name.replace('-', '_')}-"
        links = [f'<a href="/files/{file}">{file}</a>' for file in self.files if file.startswith(prefix)]
        return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode() if links else None


def wheel(name: str, version: str, content: Mapping[str, str], requires: str) -> tuple[str, bytes]:
    """A wheel's file name and its bytes. A path of `content` that begins with `bin/` is a program."""
    stem = f"{name.replace('-', '_')}-{version}"
    files = {
        **{path.replace("bin/", f"{stem}.data/scripts/"): text for path, text in content.items()},
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{path},sha256={_digest(text)},{len(text.encode())}" for path, text in files.items()]
    files[f"{stem}.dist-info/RECORD"] = "\n".join([*record, f"{stem}.dist-info/RECORD,,", ""])
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, text)
    return f"{stem}-py3-none-any.whl", data.getvalue()


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@contextlib.contextmanager
def serving(index: Index) -> Iterator[Index]:
    """Serve an index until the block ends; its `url` is what pip calls an index URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = index.answer(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing: what was asked for is remembered."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # uv asks for everything at once

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    index.url = f"http://127.0.0.1:{server.server_port}/simple/"
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
