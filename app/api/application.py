"""The FastAPI application of `redcat serve`."""

from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from app.api import alerts, figures, lists, login, openapi, operations, problems, series, stream, tokens
from app.api.guard import Guard
from app.api.server import Server
from app.metrics.requests import MeasuredRequests

GZIP_FROM_BYTES: Final = 1_000
GZIP_LEVEL: Final = 4


def build_api(server: Server) -> FastAPI:
    """All routes of the API; the dashboard is attached to it by who serves both."""
    app = FastAPI(
        title="Redcat",
        version=version("redcat"),
        description="What every note brings: clicks, shop entries, orders and money, each party its own.",
        docs_url=None,  # those pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    problems.install(app)
    openapi.install(app)
    app.state.server = server
    for module in (figures, lists, series, stream, tokens, alerts, login, operations):
        app.include_router(module.router(server))
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM_BYTES, compresslevel=GZIP_LEVEL)
    app.add_middleware(Guard)
    app.add_middleware(MeasuredRequests, instruments=server.instruments)
    return app
