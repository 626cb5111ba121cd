"""The OpenAPI document: what FastAPI knows of the routes, with the documents' own schemas and examples."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import FastAPI, Path
from fastapi.openapi.utils import get_openapi

from app.api.documents import schemas
from app.api.problems import described
from streams.core.facts import ID_PATTERN

ID: Final = f"^{ID_PATTERN}$"

IdPath = Annotated[str, Path(alias="id", description="An id as the events carry it.", max_length=128)]

_RATE: Final = {"value": 0.25, "numerator": 250, "denominator": 1_000, "low": 0.22414, "high": 0.27775}
_COUNTERS: Final = {"clicks": 1_000, "clicks_entered": 250, "orders": 7, "gross_minor": {"CNY": 123_456}}
_FIGURES: Final = {"counters": _COUNTERS, "rates": {"entry_rate": _RATE}}
_LIVE: Final = {"as_of_ms": 1_750_000_000_000, "lag_s": 0.215}

EXAMPLE_FIGURES: Final = {"id": "n1", **_FIGURES, "refused": {"order/window_passed": 2}, **_LIVE}
EXAMPLE_LIST: Final = {"items": [{"id": "n1", **_FIGURES}], "next": None, "total": 1, "sum": _FIGURES, **_LIVE}
EXAMPLE_SERIES: Final = {
    "id": "m1", "basis": "click", "step": 3_600, "tz": "Asia/Shanghai", "metrics": ["clicks", "orders"],
    "points": [{
        "from_ms": 1_749_999_600_000, "to_ms": 1_750_003_200_000, "values": {"clicks": 120, "orders": 3},
        "immature": True, "expected": {"orders": {"value": 7.9, "low": 3.6, "high": 12.2}},
    }],
    **_LIVE,
}  # fmt: skip
EXAMPLE_JOURNEY: Final = {"token": "t1", "facts": [], "clicks": [], "results": [], "superseded": []}


class Answers:
    """How routes tell of their answers."""

    def with_document(self, name: str, example: Any, *more: HTTPStatus) -> dict[int | str, dict[str, Any]]:
        """The answers of a route that gives a document, and the problems that may be."""
        content = {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": example}
        known = (
            HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY,
            HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE,
        )  # fmt: skip
        return {
            200: {"description": "As asked.", "content": {"application/json": content}},
            304: {"description": "The caller has it already, by `If-None-Match`."},
            **described(*known, *more),
        }


ANSWERS: Final = Answers()
ALWAYS: Final = (HTTPStatus.REQUEST_URI_TOO_LONG, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
STRICT: Final = (HTTPStatus.UNPROCESSABLE_ENTITY, *ALWAYS)  # of all but probes, which may send any query


def install(app: FastAPI) -> None:
    """Let the application tell of itself at /openapi.json."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes, tags=TAGS
            )
            components = document.setdefault("components", {})
            components["schemas"] = schemas()
            components["securitySchemes"] = SECURITY
            for operation in (one for methods in document["paths"].values() for one in methods.values()):
                problems = described(*(ALWAYS if "operations" in operation["tags"] else STRICT))
                operation["responses"] |= {str(status): told for status, told in problems.items()}
            document["security"] = [{"key": []}, {"session": []}]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI tells to


SECURITY: Final = {
    "key": {"type": "http", "scheme": "bearer", "description": "A key made by `redcat keys create PARTY`."},
    "session": {"type": "apiKey", "in": "cookie", "name": "redcat_session", "description": "From `POST /login`."},
}
TAGS: Final = [
    {"name": "counters", "description": "What notes, campaigns, merchants, platforms and categories brought."},
    {"name": "journeys", "description": "Why the results of a token came out as they did."},
    {"name": "live", "description": "Counters as they change."},
    {"name": "alerts", "description": "What is wrong at the moment, and was lately."},
    {"name": "access", "description": "Sessions of browsers."},
    {"name": "operations", "description": "Whether the server works."},
]
