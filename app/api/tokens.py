"""`GET /v1/tokens/{token}` and `/v1/orders/{order_id}`: what happened, and why it came out so."""

import asyncio
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Request, Response

from app.api.access import Grant
from app.api.answers import answer
from app.api.documents import JourneyDocument, OrderDocument
from app.api.openapi import ANSWERS, EXAMPLE_JOURNEY
from app.api.problems import Refusal, not_found
from app.api.server import Server
from app.api.strict_route import StrictRoute
from app.explaining.explanation import Explained
from app.viewing.journeys import json_of
from app.viewing.party import Party

UNKNOWN_S: Final = 0.1


def router(server: Server) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["journeys"], route_class=StrictRoute)
    _add_token(routes, server)
    _add_order(routes, server)
    return routes


def _add_token(routes: APIRouter, server: Server) -> None:
    @routes.get(
        "/v1/tokens/{token}",
        summary="What happened under a token",
        responses=ANSWERS.with_document("JourneyDocument", EXAMPLE_JOURNEY),
    )
    async def token(
        request: Request,
        name: Annotated[str, Path(alias="token", max_length=128)],
        grant: Annotated[Grant, Depends(server.access.grant)],
    ) -> Response:
        began_s = _clock()
        found = await server.model.explained(grant.party, name)
        if found is None:
            raise await _unknown(began_s)
        document = _document(found, grant.party)
        # How long it is still kept changes all the time.
        return answer(request, msgspec.structs.replace(document, kept_ms=None), kept_ms=document.kept_ms)


def _add_order(routes: APIRouter, server: Server) -> None:
    @routes.get(
        "/v1/orders/{order_id}",
        summary="What happened under the tokens that hold an order",
        responses=ANSWERS.with_document("OrderDocument", {"order_id": "o1", "journeys": [EXAMPLE_JOURNEY]}),
    )
    async def order(
        request: Request,
        name: Annotated[str, Path(alias="order_id", max_length=128)],
        grant: Annotated[Grant, Depends(server.access.grant)],
    ) -> Response:
        began_s = _clock()
        found = await server.model.explained_order(grant.party, name)
        if not found:
            raise await _unknown(began_s)
        return answer(request, OrderDocument(name, [_document(one, grant.party) for one in found]))


def _document(found: Explained, party: Party) -> JourneyDocument:
    told: dict[str, Any] = json_of(found, party)
    return JourneyDocument(**told)


async def _unknown(began_s: float) -> Refusal:
    """The answer for what does not exist for who asks.

    A journey of others has to be read before it can be hidden, one that never was is missed at once: so both are
    answered when the same time has passed, or as many times that as it took.
    """
    passed_s = _clock() - began_s
    await asyncio.sleep(UNKNOWN_S * (passed_s // UNKNOWN_S + 1) - passed_s)
    return not_found()


def _clock() -> float:
    return asyncio.get_running_loop().time()
