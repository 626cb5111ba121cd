"""`/v1/alerts` and `/v1/silences`: what fires and did lately; looking after an alert, and silencing some."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Request, Response

from app.alerts.record import AlertRecord
from app.alerts.requests import ANY
from app.alerts.store import AlertDesk
from app.alerts.visibility import sees_all, visible
from app.api.access import Grant
from app.api.answers import answer
from app.api.documents import AcknowledgementDocument, AlertsDocument, SilenceDocument, encoded
from app.api.openapi import ANSWERS, ID
from app.api.problems import Refusal, described, invalid, not_found
from app.api.server import Server
from app.api.strict_route import StrictRoute
from app.connections import redis_address
from app.redis_store.alerts import AlertStore
from app.redis_store.link import dialler
from streams.errors import Misconfigured

MOST_BYTES: Final = 4_096
EXAMPLE_ALERT: Final = {
    "alert_id": "929ab3d87f513659", "rule": "entries-lost", "scope": "platform", "id": "taobao", "state": "firing",
    "since_ms": 1_750_000_000_000, "at_ms": 1_750_000_180_000, "severity": "critical", "metric": "entry_rate",
    "observed": 0.02, "expected": 0.31, "sample": 412.0, "reason": "drop",
    "summary": "clicks that lead to a shop entry of platform taobao: 2.0 % instead of 31.0 %",
}  # fmt: skip
EXAMPLE: Final = {"at_ms": 1_750_000_180_000, "firing": [EXAMPLE_ALERT], "recent": []}
REFUSALS: Final = (
    HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE,
)  # fmt: skip

OwnId = Annotated[str, Path(pattern=ID, max_length=128)]


def router(server: Server) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["alerts"], route_class=StrictRoute)
    _add_list(routes, server)
    _add_acknowledgement(routes, server)
    _add_silences(routes, server)
    return routes


def _add_list(routes: APIRouter, server: Server) -> None:
    @routes.get(
        "/v1/alerts",
        summary="Alerts that are pending or firing, and those that ended lately",
        operation_id="alerts",
        responses=ANSWERS.with_document("AlertsDocument", EXAMPLE),
    )
    async def alerts(request: Request, grant: Annotated[Grant, Depends(server.access.grant)]) -> Response:
        async with _desk(server) as desk:
            found = await desk.look()
        firing, recent = (_shown(server, grant, records) for records in (found.live, found.recent))
        admin = grant.party.kind == "admin"
        live = {record.alert_id for record in firing}
        document = AlertsDocument(
            found.at_ms,
            firing,
            recent,
            acknowledged=[alert_id for alert_id in found.asked.acknowledged if alert_id in live],
            silences=list(found.asked.silences.values()) if admin else [],
        )
        return answer(request, document)


def _add_acknowledgement(routes: APIRouter, server: Server) -> None:
    @routes.post(
        "/v1/alerts/{alert_id}/acknowledgement",
        summary="Say that somebody looks after an alert, for the admin",
        operation_id="acknowledge",
        openapi_extra=_body("AcknowledgementDocument", {"by": "Lin", "why": "the link is being mended"}),
        responses={204: {"description": "It will not be told again while it lasts."}, **described(*REFUSALS)},
    )
    async def acknowledge(
        request: Request, alert_id: OwnId, grant: Annotated[Grant, Depends(server.access.grant)]
    ) -> Response:
        said = await _read(request, grant, AcknowledgementDocument)
        async with _desk(server) as desk:
            try:
                await desk.acknowledge(alert_id, by=said.by, why=said.why)
            except Misconfigured:
                raise not_found() from None
        return Response(None, HTTPStatus.NO_CONTENT)


def _add_silences(routes: APIRouter, server: Server) -> None:
    @routes.post(
        "/v1/silences",
        summary="Tell nobody about some alerts for a while, for the admin",
        operation_id="silence",
        openapi_extra=_body("SilenceDocument", {"scope": "platform:jd", "for_s": 3_600, "by": "Lin"}),
        responses={201: {"description": "The silence."}, **described(*REFUSALS)},
    )
    async def silence(request: Request, grant: Annotated[Grant, Depends(server.access.grant)]) -> Response:
        asked = await _read(request, grant, SilenceDocument)
        if asked.scope == asked.rule == ANY:
            raise invalid("name a scope or a rule")
        async with _desk(server) as desk:
            try:
                made = await desk.silence(
                    rule=asked.rule, scope=asked.scope, for_ms=1_000 * asked.for_s, by=asked.by, why=asked.why
                )
            except Misconfigured as error:
                raise invalid(str(error)) from None
        return Response(encoded(made), HTTPStatus.CREATED, media_type="application/json")

    @routes.delete(
        "/v1/silences/{silence_id}",
        summary="End a silence before its time, for the admin",
        operation_id="end_silence",
        responses={204: {"description": "It has ended."}, **described(*REFUSALS)},
    )
    async def end(silence_id: OwnId, grant: Annotated[Grant, Depends(server.access.grant)]) -> Response:
        _admin_only(grant)
        async with _desk(server) as desk:
            try:
                await desk.end_silence(silence_id)
            except Misconfigured:
                raise not_found() from None
        return Response(None, HTTPStatus.NO_CONTENT)


def _shown(server: Server, grant: Grant, records: list[AlertRecord]) -> list[AlertRecord]:
    return records if sees_all(grant.party) else visible(records, grant.party, server.model.view(grant.party).cells)


@asynccontextmanager
async def _desk(server: Server) -> AsyncIterator[AlertDesk]:
    store = AlertStore(dialler(redis_address(server.settings)), server.settings.group)
    try:
        yield AlertDesk(store)
    finally:
        await store.close()


def _admin_only(grant: Grant) -> None:
    if grant.party.kind != "admin":
        raise not_found()


async def _read(request: Request, grant: Grant, kind: type[Any]) -> Any:
    """The body of a request of the admin; others are told that there is nothing."""
    _admin_only(grant)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MOST_BYTES} bytes")
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.DecodeError as error:
        raise invalid(str(error)) from None


def _body(document: str, example: dict[str, Any]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{document}"}
    return {"requestBody": {"content": {"application/json": {"schema": schema, "example": example}}}}
