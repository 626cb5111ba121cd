"""What the API answers to what it is asked, well or badly."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from app.local_stack.valkey_server import ValkeyServer
from tests.integration.api_fuzz import fuzz
from tests.integration.served import HOUR_MS, PARTIES, Served, serving, small_world

ADMIN = PARTIES[0]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def served(valkey_server: ValkeyServer, database_numbers: Callable[[], int]) -> AsyncIterator[Served]:
    """The small world, in groups of three tokens."""
    async with small_world(await valkey_server.empty_database(database_numbers()), k_tokens=3) as served:
        yield served


BAD = [
    ("/v1/nothing", 404),
    ("/v1/notes/", 404),
    ("/v1/notes?limit=0", 422),
    ("/v1/notes?limit=501", 422),
    ("/v1/notes?sort=money", 422),
    ("/v1/notes?cursor=AAAA", 422),
    ("/v1/notes?merchant_id=a%20b", 422),
    ("/v1/notes/shared/series?metric=reads", 422),
    ("/v1/notes/shared/series?step=61", 422),
    ("/v1/notes/shared/series?tz=../../etc/passwd", 422),
    ("/v1/notes/shared/series?from_ms=1", 422),
    ("/v1/merchants/m1/series?step=60&from_ms=1700000000000", 422),
    ("/v1/stream?scope=notes", 422),
    (f"/v1/notes?search={'x' * 5_000}", 414),
    (f"/v1/notes/{'x' * 2_000}", 414),
    ("/v1/tokens/%00", 404),
]


@pytest.mark.parametrize(("path", "status"), BAD)
async def test_what_cannot_be_answered_is_a_problem_document(served: Served, path: str, status: int) -> None:
    answer = await served.get(path, ADMIN)
    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (told["status"], bool(told["title"])) == (status, True)


@pytest.mark.parametrize(
    ("path", "there_are"),
    [
        ("/v1/notes", "sort, order, currency, limit, cursor, search, campaign_id"),
        ("/v1/merchants/m1/series", "metric, step, from_ms, to_ms, basis, tz"),
        ("/v1/stream", "scope, id"),
        ("/v1/notes/shared", "none"),
        ("/v1/tokens/t1", "none"),
        ("/v1/orders/o1", "none"),
        ("/v1/alerts", "none"),
        ("/v1/me", "none"),
    ],
)
async def test_a_parameter_that_there_is_not_is_named_beside_those_there_are(
    served: Served, path: str, there_are: str
) -> None:
    answer = await served.get(f"{path}?from=1", ADMIN)

    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [error["place"] for error in told["errors"]] == ["query.from"]
    assert told["errors"][0]["message"].startswith(f"there is no such parameter; there are {there_are}")


@pytest.mark.parametrize("path", ["/live", "/ready", "/metrics"])
async def test_a_probe_may_send_any_query(served: Served, path: str) -> None:
    assert (await served.client.get(f"{path}?from=1")).status_code == (await served.client.get(path)).status_code != 422


async def test_who_has_no_key_is_told_that_before_anything_of_parameters(served: Served) -> None:
    assert (await served.client.get("/v1/notes?from=1")).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused_with_those_there_are(served: Served, method: str) -> None:
    answer = await served.client.request(method, "/v1/notes/shared")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"key": "wrong"}', "application/json", 401),
        (b"{}", "application/json", 422),
        (b"key=wrong", "application/x-www-form-urlencoded", 415),
        (b"x" * 5_000, "application/json", 413),
    ],
)
async def test_a_login_that_is_none_opens_nothing(served: Served, body: bytes, kind: str, status: int) -> None:
    answer = await served.client.post("/login", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, "set-cookie" in answer.headers) == (status, False)


async def test_large_answers_are_compressed_for_who_accepts_it(served: Served) -> None:
    assert "content-encoding" not in (await served.get("/v1/notes/n1", ADMIN)).headers
    answer = await served.get("/v1/notes", ADMIN, **{"Accept-Encoding": "gzip"})
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == (
        "gzip", "Authorization, Cookie, Accept-Encoding",
    )  # fmt: skip


async def test_who_has_the_newest_state_is_told_so(served: Served) -> None:
    for path in ("/v1/notes", "/v1/notes/shared", "/v1/merchants/m1/series?to_ms=1750000000000", "/v1/tokens/t1"):
        etag = (await served.get(path, ADMIN)).headers["etag"]
        again = await served.get(path, ADMIN, **{"If-None-Match": f'"other", {etag}'})
        assert (path, again.status_code, again.content) == (path, 304, b"")


async def test_clicks_whose_window_is_open_are_immature(served: Served) -> None:
    span = f"from_ms={served.at_ms}&to_ms={served.at_ms + HOUR_MS}"
    told = (await served.get(f"/v1/merchants/m1/series?{span}&basis=click&metric=orders,order_rate", ADMIN)).json()
    first = told["points"][0]
    assert (first["values"], first["rates"]["order_rate"]["denominator"]) == ({"orders": 2}, 5)
    assert first["immature"] is True
    assert "expected" not in first  # no day is mature yet, which could tell how orders come
    event = (await served.get(f"/v1/merchants/m1/series?{span}&metric=orders", ADMIN)).json()
    assert "immature" not in event["points"][0]


async def test_a_step_that_is_finer_than_what_is_kept_is_answered_by_the_finest(served: Served) -> None:
    span = f"from_ms={served.at_ms}&to_ms={served.at_ms + 60_000}"
    answers: dict[str, Any] = {
        scope: (await served.get(f"/v1/{scope}/series?{span}&step=60&metric=clicks", ADMIN)).json()
        for scope in ("notes/shared", "merchants/m1")
    }
    assert (answers["notes/shared"]["step"], answers["merchants/m1"]["step"]) == (3_600, 60)
    assert sum(point["values"]["clicks"] for point in answers["merchants/m1"]["points"]) == 5


async def test_groups_and_their_remainder_add_up_to_the_sum(served: Served) -> None:
    for party in ("xhs", "platform:tmall", "platform:jd"):
        told = (await served.get("/v1/notes", party)).json()
        rows = [item["counters"].get("clicks", 0) for item in told["items"]]
        rest = told["remainder"]["counters"].get("clicks", 0)
        assert sum(rows) + rest == told["sum"]["counters"].get("clicks", 0)
        assert all(clicks == 0 or clicks >= 3 for clicks in (*rows, rest))
        assert told["grouped"]["k_tokens"] == 3


async def test_a_second_server_shows_the_same_release(served: Served) -> None:
    first = (await served.get("/v1/notes", "xhs")).json()
    async with serving(served.settings) as other:
        second = (await other.get("/v1/notes", "xhs")).json()
    assert {name: first[name] for name in ("items", "sum", "remainder", "grouped")} == {
        name: second[name] for name in ("items", "sum", "remainder", "grouped")
    }


async def test_made_up_requests_find_nothing_that_the_document_does_not_foresee(valkey_url: str) -> None:
    status, report = await fuzz(valkey_url, examples=1, seed=1, phases="fuzzing")
    assert status == 0, report[-4_000:]
