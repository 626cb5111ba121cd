"""`GET /v1/{scope}`: ranked lists, page by page."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from app.api.access import Grant
from app.api.answers import answer
from app.api.documents import ItemDocument, ListDocument, SumDocument
from app.api.openapi import ANSWERS, EXAMPLE_LIST, ID
from app.api.problems import invalid
from app.api.server import Server
from app.api.strict_route import StrictRoute
from app.viewing.figures import Figures
from app.viewing.ranking import SORTS, RankQuery, WrongCursor
from app.viewing.scopes import SCOPES, Filters, Scope

MOST_ITEMS = 500

Text = Annotated[str | None, Query(pattern=ID, max_length=128)]


class ListParameters(msgspec.Struct):
    """What the query says."""

    query: RankQuery
    limit: int
    cursor: str | None


def parameters(  # noqa: PLR0913, PLR0917  # each is a parameter of the query
    sort: Annotated[str, Query(description=f"One of {', '.join(SORTS)}.", max_length=40)] = "orders",
    order: Annotated[str, Query(pattern="^(asc|desc)$")] = "desc",
    currency: Annotated[str, Query(pattern="^[A-Z]{3}$", description="Of money and the refund rate.")] = "CNY",
    limit: Annotated[int, Query(ge=1, le=MOST_ITEMS)] = 50,
    cursor: Annotated[str | None, Query(max_length=512, description="`next` of the page before.")] = None,
    search: Annotated[str, Query(max_length=128, description="Only ids that contain this.")] = "",
    campaign_id: Text = None,
    merchant_id: Text = None,
    platform: Text = None,
    category: Annotated[str | None, Query(pattern=ID, description="With everything below it.")] = None,
    link: Annotated[str | None, Query(pattern="^(note|comment)$")] = None,
    note_kind: Annotated[str | None, Query(pattern="^(ad|ugc)$")] = None,
    note_id: Text = None,
) -> ListParameters:
    """The parameters of a list, checked."""
    if sort not in SORTS:
        raise invalid(f"sort is one of {', '.join(SORTS)}")
    filters = Filters(note_id, campaign_id, merchant_id, platform, category, link, note_kind)
    return ListParameters(RankQuery("notes", sort, currency, order == "asc", filters, search), limit, cursor)


def router(server: Server) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["counters"], route_class=StrictRoute)
    for scope in SCOPES:
        _add(routes, server, scope)
    return routes


def _add(routes: APIRouter, server: Server, scope: Scope) -> None:
    @routes.get(
        f"/v1/{scope}",
        summary=f"The {scope} ranked by any counter or rate",
        operation_id=f"list_of_{scope}",
        responses=ANSWERS.with_document("ListDocument", EXAMPLE_LIST),
    )
    async def ranked(
        request: Request,
        asked: Annotated[ListParameters, Depends(parameters)],
        grant: Annotated[Grant, Depends(server.access.grant)],
    ) -> Response:
        live = {"as_of_ms": server.model.as_of_ms, "lag_s": server.model.lag_s}
        document = await _list_document(server, grant, asked.query._replace(scope=scope), asked)
        return answer(request, document, **live)


async def _list_document(server: Server, grant: Grant, query: RankQuery, asked: ListParameters) -> ListDocument:
    view = server.model.view(grant.party)
    try:
        page = await server.model.rankings.page(view, query, asked.limit, asked.cursor)
    except WrongCursor as error:
        raise invalid(str(error)) from error
    remainder = view.remainder(query.scope, query.filters)
    return ListDocument(
        [ItemDocument(item.id, item.figures.counters, item.figures.rates) for item in page.items],
        page.next_cursor,
        page.total,
        _sum(view.total(query.filters)),
        remainder=None if remainder is None else _sum(remainder),
        grouped=server.grouped(grant.party),
    )


def _sum(figures: Figures) -> SumDocument:
    return SumDocument(figures.counters, figures.rates)
