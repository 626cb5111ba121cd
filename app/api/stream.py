"""`GET /v1/stream`: counters as they change, as server-sent events.

An event carries the whole state, so none is ever needed to understand the next, and its id is that of the state, the
same in every process.  Who comes back with `Last-Event-ID` gets the present state, unless it is the one it has.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.api.access import Grant
from app.api.answers import validator
from app.api.documents import FigureDocument, encoded
from app.api.figures import figure_document
from app.api.openapi import ID
from app.api.problems import Refusal, described, invalid, not_found
from app.api.server import Server
from app.api.strict_route import StrictRoute
from app.viewing.scopes import Scope

MOST_STREAMS: Final = 1_000
MOST_OF_A_KEY: Final = 500
KEEP_ALIVE_S: Final = 1.0  # so often it is looked whether the key still holds; 15 of them without news are told
QUIET: Final = 15
RETRY_MS: Final = 2_000
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Streams:
    """The open streams of this process."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._by_key: dict[str, int] = {}
        self._open = server.instruments.gauge("redcat_http_streams")
        self._sent = server.instruments.counter("redcat_http_stream_events_total")
        self._events: dict[tuple[object, ...], tuple[str, bytes]] = {}
        self._of_tick = -1

    def require_room(self, grant: Grant) -> None:
        """Refuse another stream if there are too many."""
        mark = grant.key_hash or ""
        if sum(self._by_key.values()) >= MOST_STREAMS or self._by_key.get(mark, 0) >= MOST_OF_A_KEY:
            headers = {"Retry-After": "10"}
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "too many streams are open: close some, or come later", headers)

    @contextmanager
    def _counted(self, grant: Grant) -> Iterator[None]:
        mark = grant.key_hash or ""
        self._by_key[mark] = self._by_key.get(mark, 0) + 1
        self._open.inc()
        try:
            yield
        finally:
            self._by_key[mark] -= 1
            if not self._by_key[mark]:
                del self._by_key[mark]
            self._open.dec()

    def event(self, grant: Grant, scope: Scope | None, name: str) -> tuple[str, bytes] | None:
        """Id and text of the present state; None if it does not exist for the party.  Made once for all who ask."""
        model = self._server.model
        if self._of_tick != model.ticks.number:
            self._of_tick = model.ticks.number
            self._events.clear()
        key = (grant.party, scope, name)
        known = self._events.get(key)
        if known is None:
            document = self._document(grant, scope, name)
            if document is None:
                return None
            mark = validator(document)[3:-1]
            whole = msgspec.structs.replace(document, as_of_ms=model.as_of_ms, lag_s=model.lag_s)
            known = mark, b"id: %b\nevent: counters\ndata: %b\n\n" % (mark.encode(), encoded(whole))
            self._events[key] = known
        return known

    async def events(self, grant: Grant, scope: Scope | None, name: str, last: str) -> AsyncIterator[bytes]:
        """The text of a stream, from the state that is not the `last` one on, until it ends on either side."""
        with self._counted(grant):
            yield b"retry: %d\n\n" % RETRY_MS
            quiet = 0
            async for _ in self._beats():
                if not await self._server.access.still(grant):
                    return
                state = self.event(grant, scope, name)
                if state is not None and state[0] != last:
                    last, quiet = state[0], 0
                    self._sent.inc()
                    yield state[1]
                elif (quiet := quiet + 1) % QUIET == 0:
                    yield b": still here\n\n"

    async def _beats(self) -> AsyncIterator[None]:
        yield None
        async for _ in self._server.model.ticks.listen(KEEP_ALIVE_S):
            yield None

    def _document(self, grant: Grant, scope: Scope | None, name: str) -> FigureDocument | None:
        if scope is not None:
            return figure_document(self._server, grant, scope, name)
        total = self._server.model.view(grant.party).total()
        grouped = self._server.grouped(grant.party)
        return FigureDocument("", total.counters, total.rates, {}, grouped=grouped)


def router(server: Server) -> APIRouter:
    """The route."""
    routes, streams = APIRouter(tags=["live"], route_class=StrictRoute), Streams(server)

    @routes.get(
        "/v1/stream",
        summary="Counters as they change",
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "Events `counters`, each with a FigureDocument; resumes by `Last-Event-ID`.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            **described(
                *(HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
                *(HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE),
            ),
        },
    )
    async def stream(
        request: Request,
        grant: Annotated[Grant, Depends(server.access.grant)],
        scope: Annotated[Scope | None, Query(description="Without it: all that the party sees.")] = None,
        name: Annotated[str | None, Query(alias="id", pattern=ID)] = None,
    ) -> Response:
        if (scope is None) != (name is None):
            raise invalid("scope and id go together")
        if streams.event(grant, scope, name or "") is None:
            raise not_found()
        streams.require_room(grant)
        last = request.headers.get("last-event-id", "")[:64]
        return StreamingResponse(
            streams.events(grant, scope, name or "", last), media_type="text/event-stream", headers=HEADERS
        )

    return routes
