"""A web server of one file, in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Server:
    """What the server sends, and what it was asked for."""

    content: bytes
    status: int = 200
    promised: int | None = None
    """Bytes that its header promises, if others than it sends."""
    asked: list[str] = field(default_factory=list)
    """First lines of the requests' targets: a path, or from a proxy's client a whole address."""
    port: int = 0


@contextmanager
def serve(content: bytes) -> Iterator[Server]:
    """Serve a file at every address of a free port while the block lasts."""
    server = Server(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            self.send_response(server.status)
            length = len(server.content) if server.promised is None else server.promised
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(server.content)

        def log_message(self, *_: object) -> None:
            """Keep the tests' output quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
