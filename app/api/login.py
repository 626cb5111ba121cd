"""`POST /login`, `POST /logout`, `GET /v1/me`: a browser exchanges a key for a session."""

from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from app.api.access import COOKIE, Grant, set_session
from app.api.answers import answer
from app.api.documents import LoginDocument, PartyDocument, encoded
from app.api.openapi import ANSWERS
from app.api.problems import Refusal, described, invalid
from app.api.server import Server
from app.api.strict_route import StrictRoute

MOST_BYTES: Final = 4_096
_decode = msgspec.json.Decoder(LoginDocument).decode

BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/LoginDocument"},
                "example": {"key": "rck_1f0c3a7e_..."},
            }
        },
    }
}
PARTY: Final = {
    "application/json": {"schema": {"$ref": "#/components/schemas/PartyDocument"}, "example": {"party": "merchant:m1"}}
}


REFUSALS: Final = (
    HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE,
)  # fmt: skip


def router(server: Server) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["access"], route_class=StrictRoute)
    _add_login(routes, server)
    _add_logout(routes, server)

    @routes.get(
        "/v1/me",
        summary="Who the key or session is of",
        responses=ANSWERS.with_document("PartyDocument", {"party": "merchant:m1"}),
    )
    async def me(request: Request, grant: Annotated[Grant, Depends(server.access.grant)]) -> Response:
        return answer(request, PartyDocument(str(grant.party)))

    return routes


def _add_login(routes: APIRouter, server: Server) -> None:
    @routes.post(
        "/login",
        summary="Exchange a key for a session in a cookie",
        openapi_extra=BODY | {"security": []},
        responses={200: {"description": "Logged in.", "content": PARTY}, **described(*REFUSALS)},
    )
    async def log_in(request: Request) -> Response:
        begun = await server.access.log_in(await _key(request))
        if begun is None:
            raise Refusal(HTTPStatus.UNAUTHORIZED, "this key is not in force", {"WWW-Authenticate": "Bearer"})
        session, party = begun
        response = Response(encoded(PartyDocument(str(party))), media_type="application/json")
        set_session(response, session, secure=request.url.scheme == "https")
        return response


def _add_logout(routes: APIRouter, server: Server) -> None:
    @routes.post(
        "/logout",
        summary="End the session",
        status_code=HTTPStatus.NO_CONTENT,
        openapi_extra={"security": []},
        responses=described(HTTPStatus.SERVICE_UNAVAILABLE),
    )
    async def log_out(request: Request) -> Response:
        await server.access.log_out(request)
        response = Response(status_code=HTTPStatus.NO_CONTENT)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response


async def _key(request: Request) -> str:
    """The key in the body, which must be JSON: that is what no form on another site can send."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, 'send {"key": "..."} as application/json')
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has more than {MOST_BYTES} bytes")
    try:
        return _decode(body).key
    except msgspec.MsgspecError as error:
        raise invalid('the body is not {"key": "..."}') from error
