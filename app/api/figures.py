"""`GET /v1/{scope}/{id}`: counters and rates of one note, campaign, merchant, platform or category."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.api.access import Grant
from app.api.answers import answer
from app.api.documents import FigureDocument
from app.api.openapi import ANSWERS, EXAMPLE_FIGURES, IdPath
from app.api.problems import not_found
from app.api.server import Server
from app.api.strict_route import StrictRoute
from app.viewing.scopes import SCOPES, Scope


def router(server: Server) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["counters"], route_class=StrictRoute)
    for scope in SCOPES:
        _add(routes, server, scope)
    return routes


def figure_document(server: Server, grant: Grant, scope: Scope, name: str) -> FigureDocument | None:
    """The figures of an id as the grant's party sees them; None if it does not exist for it."""
    view = server.model.view(grant.party)
    found = view.figures(scope, name)
    if found is None:
        return None
    refused = view.refused(scope, name)
    return FigureDocument(name, found.counters, found.rates, refused, grouped=server.grouped(grant.party))


def _add(routes: APIRouter, server: Server, scope: Scope) -> None:
    @routes.get(
        f"/v1/{scope}/{{id}}",
        summary=f"Counters and rates of one of the {scope}",
        operation_id=f"figures_of_{scope}",
        responses=ANSWERS.with_document("FigureDocument", EXAMPLE_FIGURES),
    )
    async def figures(
        request: Request, name: IdPath, grant: Annotated[Grant, Depends(server.access.grant)]
    ) -> Response:
        document = figure_document(server, grant, scope, name)
        if document is None:
            raise not_found()
        return answer(request, document, as_of_ms=server.model.as_of_ms, lag_s=server.model.lag_s)
