"""`/metrics`, `/live` and `/ready` of a process, served by threads: a stuck event loop must still be told of."""

import json
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple, TypeAlias

from app.settings import host_and_port
from streams.errors import Misconfigured

log = logging.getLogger(__name__)

CLIENT_S: Final = 5.0  # a client that is slower than that to send its request is cut off


class Answer(NamedTuple):
    """What is sent."""

    status: HTTPStatus
    content_type: str
    body: bytes


Page: TypeAlias = Callable[[str], Answer]
"""Gives the answer for a request's `Accept` header."""


def as_json(status: HTTPStatus, content: Mapping[str, object]) -> Answer:
    """An answer in JSON."""
    return Answer(status, "application/json", json.dumps(content, ensure_ascii=False).encode() + b"\n")


class HealthServer:
    """Serves some pages at an address, `HOST:PORT` with port 0 for any free one."""

    def __init__(self, address: str, pages: Mapping[str, Page]) -> None:
        host, port = host_and_port(address, "metrics", lowest_port=0)
        try:
            self._server = _server_class(host)((host, port), _handler_class(pages))
        except OSError as error:
            raise Misconfigured(f"REDCAT_METRICS: cannot listen on {address}: {error.strerror or error}") from error
        bound, self.port = self._server.server_address[:2]
        shown = f"[{bound!s}]" if ":" in str(bound) else str(bound)
        self.url = f"http://{shown}:{self.port}"

    def start(self) -> None:
        """Serve until `stop`."""
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        log.info("serving /metrics, /live and /ready", extra={"url": self.url})

    def stop(self) -> None:
        """Serve no more; does not wait for the last answers."""
        threading.Thread(target=self._close, daemon=True).start()

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _server_class(host: str) -> type[ThreadingHTTPServer]:
    class Server(ThreadingHTTPServer):
        daemon_threads = True
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def handle_error(self, *_: object) -> None:
            """A client that went away is no news."""

    return Server


def _handler_class(pages: Mapping[str, Page]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = CLIENT_S
        server_version = "redcat"
        sys_version = ""
        error_content_type = "application/json"
        error_message_format = '{"status": %(code)d, "title": "%(message)s"}\n'

        def do_GET(self) -> None:
            page = pages.get(self.path.partition("?")[0])
            if page is None:
                answer = as_json(HTTPStatus.NOT_FOUND, {"status": 404, "title": "there are " + ", ".join(pages)})
            else:
                answer = page(self.headers.get("Accept", ""))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_HEAD = do_GET  # noqa: N815  # the name that http.server calls

        def log_message(self, *_: Any) -> None:
            """Somebody asks every few seconds."""

    return Handler
