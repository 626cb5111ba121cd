"""Answers with a validator: who has the newest state already is told so instead of being sent it again."""

from hashlib import blake2b
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import Request, Response

from app.api.documents import encoded

JSON: Final = "application/json"
# What a party sees is no other's, and what is cached is asked about each time.
HEADERS: Final = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}


def answer(request: Request, document: Any, **live: Any) -> Response:
    """A document, to which `live` adds what changes all the time; 304 if the caller has all but that already."""
    etag = validator(document)
    headers = HEADERS | {"ETag": etag}
    if etag in _known(request):
        return Response(None, HTTPStatus.NOT_MODIFIED, headers)
    whole = msgspec.structs.replace(document, **live) if live else document
    return Response(encoded(whole), HTTPStatus.OK, headers, JSON)


def validator(document: Any) -> str:
    """The ETag of a document: of what it says alone, so that it is the same in every process."""
    return f'W/"{blake2b(encoded(document), digest_size=12).hexdigest()}"'


def _known(request: Request) -> set[str]:
    sent = request.headers.get("if-none-match", "")
    # Weak comparison: whether a caller sends the mark of weakness does not matter.
    return {f'W/"{part.strip().removeprefix("W/").strip(chr(34))}"' for part in sent.split(",")} if sent else set()
