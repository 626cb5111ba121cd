"""`/live`, `/ready`, `/metrics`: whether the server works, for who runs it."""

import math
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from app.api.documents import encoded
from app.api.server import Server

STALE_S: Final = 10.0
NO_STORE: Final = {"Cache-Control": "no-store"}


def router(server: Server) -> APIRouter:
    """The routes; they tell nothing about what is counted, need no key, and take any query, as probes like to send."""
    routes = APIRouter(tags=["operations"])
    server.instruments.gauge("redcat_build_info").labels(version("redcat")).set(1)
    server.instruments.gauge("redcat_ready").set_function(lambda: not reasons(server))
    age = server.instruments.gauge("redcat_shown_age_seconds")
    age.set_function(lambda: server.model.lag_s if server.model.ready else math.nan)
    public: dict[str, Any] = {"security": []}

    @routes.get("/live", summary="Whether the process answers", openapi_extra=public)
    async def live() -> Response:
        return _json(HTTPStatus.OK, {"live": True})

    @routes.get(
        "/ready",
        summary="Whether figures can be shown",
        openapi_extra=public,
        responses={503: {"description": "Not ready, with the reasons."}},
    )
    async def ready() -> Response:
        why = reasons(server)
        status = HTTPStatus.SERVICE_UNAVAILABLE if why else HTTPStatus.OK
        return _json(status, {"ready": not why, "reasons": why})

    @routes.get(
        "/metrics",
        summary="Metrics in the format of Prometheus",
        openapi_extra=public,
        response_class=PlainTextResponse,
    )
    async def metrics(request: Request) -> Response:
        page, content_type = server.instruments.page(request.headers.get("accept", ""))
        return Response(page, headers=NO_STORE | {"Content-Type": content_type})

    return routes


def reasons(server: Server) -> list[str]:
    """Why no figures, or only old ones, can be shown; empty if they can."""
    model = server.model
    if not model.ready:
        return [model.trouble or "nothing was read yet"]
    age_s = (model.clock() - model.as_of_ms) / 1_000
    if age_s > STALE_S:
        return [f"what is shown is {age_s:.0f} s old: {model.trouble or 'the store answers slowly'}"]
    return []


def _json(status: HTTPStatus, content: dict[str, object]) -> Response:
    return Response(encoded(content), status, NO_STORE, "application/json")
