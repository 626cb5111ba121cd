"""Requests are counted by the route as it was declared, never by the path that was asked for."""

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from prometheus_client.parser import text_string_to_metric_families

from app.metrics.instruments import Instruments
from app.metrics.requests import MeasuredRequests
from app.metrics.table import SERVER, ServerName

ASKED = [
    ("GET", "/v1/notes/n1", ("GET", "/v1/notes/{note_id}", "200")),
    ("GET", "/v1/notes/n2", ("GET", "/v1/notes/{note_id}", "200")),
    ("GET", "/v1/notes/hidden", ("GET", "/v1/notes/{note_id}", "404")),
    ("GET", "/v1/notes/broken", ("GET", "/v1/notes/{note_id}", "500")),
    ("GET", "/wp-admin/setup.php", ("GET", "other", "404")),
    ("BREW", "/coffee", ("other", "other", "404")),
]


def application(instruments: Instruments[ServerName]) -> FastAPI:
    app = FastAPI()
    app.add_middleware(MeasuredRequests, instruments=instruments)

    @app.get("/v1/notes/{note_id}")
    async def note(note_id: str) -> str:
        if note_id == "hidden":
            raise HTTPException(404)
        if note_id == "broken":
            raise ArithmeticError(note_id)
        return note_id

    return app


async def test_requests_are_counted_by_method_route_and_status() -> None:
    instruments = Instruments(SERVER)
    transport = httpx.ASGITransport(application(instruments), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for method, path, _ in ASKED:
            await client.request(method, path)

    families = {family.name: family for family in text_string_to_metric_families(instruments.page()[0].decode())}
    counted = {tuple(sample.labels.values()): sample.value for sample in families["redcat_http_requests"].samples}
    expected: dict[tuple[str, ...], int] = {}
    for _, _, labels in ASKED:
        expected[labels] = expected.get(labels, 0) + 1
    assert counted == pytest.approx(expected)
    timed = [sample for sample in families["redcat_http_request_seconds"].samples if sample.name.endswith("_count")]
    assert {sample.labels["route"]: sample.value for sample in timed} == {"/v1/notes/{note_id}": 4, "other": 2}
