"""Errors as problem documents (RFC 9457): the same form for all, and nothing in them that tells what is hidden."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from streams.errors import LaneStopped, RedcatError

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
MOST_ERRORS: Final = 20


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with a part of a request."""

    place: str  # query, path, header or body, and the name
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem document."""

    title: str
    status: int
    type: str = "about:blank"
    detail: str = ""
    errors: list[FieldError] = []


class Refusal(Exception):
    """A request that is answered with a problem."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def not_found() -> Refusal:
    """What does not exist, or must not for who asks: one answer for both."""
    return Refusal(HTTPStatus.NOT_FOUND, "nothing is known under this id")


def invalid(detail: str) -> Refusal:
    """A request that cannot be understood."""
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def problem(
    status: HTTPStatus,
    detail: str = "",
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem as a response."""
    body = msgspec.json.encode(Problem(status.phrase, status, detail=detail, errors=list(errors)))
    always = {"Cache-Control": "no-store"}
    return Response(body, status, always | dict(headers or {}), MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let every error of an application be a problem."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _wrong_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RedcatError, _redcat_error)
    app.add_exception_handler(Exception, _unforeseen)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101  # handlers are typed for any exception
    return problem(error.status, error.detail, headers=error.headers)


async def _wrong_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as above
    errors = [FieldError(".".join(map(str, one["loc"])), str(one["msg"])) for one in error.errors()[:MOST_ERRORS]]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the request has parts that cannot be", errors=errors)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # as above
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.NOT_FOUND:
        return problem(status, "there is no such path", headers=error.headers)
    return problem(status, headers=error.headers)


async def _redcat_error(_: Request, error: Exception) -> Response:
    log.warning("a request could not be answered", extra={"reason": str(error)})
    if isinstance(error, LaneStopped):
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "what is stored cannot be read; the log says more")
    detail = "the store cannot be read at the moment; try again"
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "1"})


async def _unforeseen(_: Request, __: Exception) -> Response:
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something failed here; the log says more")


def described(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """How the OpenAPI document tells of problems."""
    return {
        int(status): {
            "description": status.phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
