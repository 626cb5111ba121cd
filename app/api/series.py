"""`GET /v1/{scope}/{id}/series`: time series."""

import re
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from app.api.access import Grant
from app.api.answers import answer
from app.api.documents import SeriesDocument
from app.api.openapi import ANSWERS, EXAMPLE_SERIES, IdPath
from app.api.problems import invalid, not_found
from app.api.server import Server
from app.api.strict_route import StrictRoute
from app.viewing.history import History
from app.viewing.model import ReadModel
from app.viewing.periods import DAY_S, DEFAULT_ZONE, HOUR_S, STEPS_S, WrongPeriods, cut, finest_s
from app.viewing.scopes import SCOPES, Scope
from app.viewing.series import METRICS, Basis, SeriesQuery, kept_step_s

DEFAULT_METRICS: Final = "clicks,orders"
DEFAULT_PERIODS: Final = {HOUR_S: 48, DAY_S: 30}
EARLIEST_MS: Final = 10**12
LATEST_MS: Final = 2**43

Millis = Annotated[int | None, Query(ge=EARLIEST_MS, lt=LATEST_MS)]


class SeriesParameters(msgspec.Struct):
    """What the query says."""

    metrics: list[str]
    step_s: int
    zone: ZoneInfo
    basis: Basis
    from_ms: int | None
    to_ms: int | None


def parameters(  # each is a parameter of the query
    metric: Annotated[
        str, Query(max_length=400, description=f"With commas between them, of: {', '.join(METRICS)}.")
    ] = DEFAULT_METRICS,
    step: Annotated[
        int, Query(description=f"Seconds: {', '.join(map(str, STEPS_S))}; where so fine ones are not kept, 3600.")
    ] = HOUR_S,
    from_ms: Millis = None,
    to_ms: Millis = None,
    basis: Annotated[
        Basis, Query(description="At whose time a conversion is booked: its own or its click's.")
    ] = "event",
    tz: Annotated[str, Query(max_length=64, description="Where days are cut at midnight.")] = DEFAULT_ZONE,
) -> SeriesParameters:
    """The parameters of a series, checked."""
    metrics = list(dict.fromkeys(metric.split(",")))
    if unknown := [name for name in metrics if name not in METRICS]:
        raise invalid(f"metric: there is no {unknown[0]!r}; there are {', '.join(METRICS)}")
    if step not in STEPS_S:
        raise invalid(f"step is one of {', '.join(map(str, STEPS_S))} seconds")
    return SeriesParameters(metrics, step, _zone(tz), basis, from_ms, to_ms)


def router(server: Server) -> APIRouter:
    """The routes."""
    routes, history = APIRouter(tags=["counters"], route_class=StrictRoute), History(server.model)
    for scope in SCOPES:
        _add(routes, server, history, scope)
    return routes


def _add(routes: APIRouter, server: Server, history: History, scope: Scope) -> None:
    @routes.get(
        f"/v1/{scope}/{{id}}/series",
        summary=f"Time series of one of the {scope}",
        operation_id=f"series_of_{scope}",
        responses=ANSWERS.with_document("SeriesDocument", EXAMPLE_SERIES),
    )
    async def series(
        request: Request,
        name: IdPath,
        asked: Annotated[SeriesParameters, Depends(parameters)],
        grant: Annotated[Grant, Depends(server.access.grant)],
    ) -> Response:
        model = server.model
        try:
            query = _query(asked, scope, name, model)
            points = await history.points(grant.party, query)
        except WrongPeriods as error:
            raise invalid(str(error)) from error
        if points is None:
            raise not_found()
        document = SeriesDocument(
            name, asked.basis, query.step_s, asked.zone.key, asked.metrics, points, grouped=server.grouped(grant.party)
        )
        return answer(request, document, as_of_ms=model.as_of_ms, lag_s=model.lag_s)


def _query(asked: SeriesParameters, scope: Scope, name: str, model: ReadModel) -> SeriesQuery:
    """The question, with the finest step that is kept for it."""
    now_ms = model.clock()
    to_ms = now_ms if asked.to_ms is None else asked.to_ms
    periods = DEFAULT_PERIODS.get(asked.step_s, 120 if asked.step_s < HOUR_S else 60)
    from_ms = to_ms - periods * asked.step_s * 1_000 if asked.from_ms is None else asked.from_ms
    step_s = kept_step_s(scope, asked.step_s, from_ms, now_ms - model.settings.kept.minutes_ms)
    if step_s >= HOUR_S and finest_s(asked.zone, from_ms) < HOUR_S:
        raise WrongPeriods(
            "in this time zone the clock is not at whole hours: take another for steps of an hour or more"
        )
    return SeriesQuery(scope, name, asked.metrics, cut(from_ms, to_ms, step_s, asked.zone), step_s, asked.basis)


def _zone(name: str) -> ZoneInfo:
    try:
        # What is no plain name could be meant to lead to other files.
        if not re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", name):
            raise ZoneInfoNotFoundError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise invalid(f"tz: there is no time zone {name!r}; names are like {DEFAULT_ZONE}") from error
