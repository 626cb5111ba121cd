"""Messages about alerts for tests, and a place that receives them over HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import msgspec
from aiohttp import web

from app.alerts.channels.message import Message
from app.alerts.record import AlertRecord

CHART: Final = b"\x89PNG\r\n\x1a\nnot a real one"


class Received(NamedTuple):
    """One request."""

    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class Receiver:
    """Keeps what comes, and answers with the statuses it was given, the last one for ever."""

    def __init__(self, *statuses: int) -> None:
        self.url = ""  # host and port
        self.received: list[Received] = []
        self._statuses = list(statuses)

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(request.path, headers, await request.read()))
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        return web.Response(status=status, headers={"location": "/elsewhere"} if status == 302 else {})


@asynccontextmanager
async def receiving(*statuses: int) -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine; without statuses it takes everything."""
    receiver = Receiver(*(statuses or (200,)))
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", receiver.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"{host}:{port}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def message(**changes: Any) -> Message:
    """A message about a broken note; `changes` are of the message, or of its alert."""
    alert = AlertRecord(
        alert_id="a1", rule="entry-rate", scope="note", id="n1", state="firing", since_ms=1_772_380_800_000,
        at_ms=1_772_381_400_000, severity="critical", metric="entry_rate", observed=0.01, expected=0.46, sample=120,
        reason="drop", summary="entry rate of note n1 is 1.0 % instead of 46.0 %",
    )  # fmt: skip
    known = {name: changes.pop(name) for name in list(changes) if name in AlertRecord.__struct_fields__}
    fields: dict[str, Any] = {
        "message_id": "m1", "event": "firing", "title": "note n1: entry rate", "body": "clicks lead nowhere",
        "link": "https://redcat.example/notes/n1", "alert": msgspec.structs.replace(alert, **known),
    }  # fmt: skip
    return Message(**fields | changes)
