"""Examples of every record: one journey, from the click to a refund, and what is published about it."""

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import msgspec

from app.alerts.record import AlertRecord
from streams.core.credit import outcomes
from streams.core.facts import Action, Click, Entry, Fact, Step
from streams.core.journey import Journey
from streams.core.policy import parse_policy
from streams.core.results import result_of
from streams.core.terms import PolicySet

Example: TypeAlias = dict[str, Any]

_SHOP: Final = {"token": "7f3a9c51d2", "platform": "tmall", "merchant_id": "shop-88"}

CLICKS: Final[list[Example]] = [
    {
        "event_id": "c-1001",
        "at_ms": 1_750_176_000_000,
        "note_id": "64b1f0c2000000001c00d5e1",
        "note_kind": "ad",
        "link": "note",
        "category": "fmcg.skincare",
        "campaign_id": "618-serum",
        "creator_id": "u-2041",
    }
    | _SHOP
]
ENTRIES: Final[list[Example]] = [{"event_id": "e-1", "at_ms": 1_750_176_004_500} | _SHOP]
ACTIONS: Final[list[Example]] = [{"event_id": "a-1", "at_ms": 1_750_176_061_000, "action": "cart"} | _SHOP]

_ORDER: Final = _SHOP | {"order_id": "2607711"}
ORDERS: Final[list[Example]] = [
    _ORDER
    | {"event_id": "o-1", "at_ms": 1_750_262_400_000, "status": "paid", "amount_minor": 20_000, "currency": "CNY"},
    _ORDER | {"event_id": "o-2", "at_ms": 1_750_521_600_000, "status": "received"},
    _ORDER
    | {
        "event_id": "o-3",
        "at_ms": 1_750_608_000_000,
        "status": "refunded",
        "amount_minor": 5_000,
        "currency": "CNY",
        "refund_id": "r-1",
    },
]
METRICS: Final[list[Example]] = [
    {
        "event_id": "m-0900",
        "note_id": "64b1f0c2000000001c00d5e1",
        "at_ms": 1_750_179_600_000,
        "reads": 48_210,
        "likes": 1_932,
        "saves": 811,
        "comments": 96,
    }
]
POLICIES: Final[list[Example]] = [
    {
        "version": 2,
        "effective_from_ms": 1_750_176_000_000,
        "lead": "5s",
        "windows": {"entry": "1d", "favourite": "7d", "cart": "7d", "order": "15d"},
        "industries": {"fmcg": "open", "outdoor": "open", "health": "open", "*": "closed"},
        "platforms": {"tmall": {}, "jd": {"windows": {"order": "7d"}}, "xhs": {"industries": {"*": "open"}}},
        "links": [
            {"link": "note", "kinds": ["ad"], "platforms": ["*"]},
            {"link": "comment", "kinds": ["*"], "platforms": ["xhs"]},
        ],
        "gates": [{"platform": "jd", "category": "fmcg", "closed_from_ms": 1_750_348_800_000}],
        "campaigns": {"618-serum": {"windows": {"order": "30d"}}},
    }
]


def _results(facts: Iterable[Fact], *, revision: int) -> list[Example]:
    """What is published once these facts are all that is known."""
    journey = Journey()
    for fact in facts:
        journey.absorb(fact)
    judged = outcomes(journey, PolicySet(map(parse_policy, POLICIES)))
    results = (result_of(_SHOP["token"], name, outcome, revision) for name, outcome in judged.results.items())
    return [msgspec.to_builtins(result) for result in results]


_entries = msgspec.convert(ENTRIES, list[Entry])
_others: Final[list[Fact]] = [
    *msgspec.convert(CLICKS, list[Click]),
    *msgspec.convert(ACTIONS, list[Action]),
    *msgspec.convert(ORDERS, list[Step]),
]
RESULTS: Final = [*_results(_entries, revision=11), *_results([*_entries, *_others], revision=12)]

RESULT_HEADERS: Final[list[Example]] = [
    {
        "ce_specversion": "1.0",
        "ce_id": "order:2607711@12",
        "ce_source": "redcat/redcat",
        "ce_type": "redcat.conversion.order",
        "ce_time": "2025-06-22T16:00:01.042Z",
        "content-type": "application/json",
    }
]
DEAD_LETTERS: Final[list[Example]] = [
    {
        "__dlq.error.code": "bad_field",
        "__dlq.error.message": "Expected `int` >= 1000000000000 - at `$.at_ms`",
        "__dlq.original.topic": "shop-entry",
        "__dlq.original.partition": "3",
        "__dlq.original.offset": "118",
        "__dlq.original.timestamp": "1750176004893",
        "__dlq.original.key": "7f3a9c51d2",
    }
]
ALERTS: Final[list[Example]] = [
    msgspec.json.decode(
        msgspec.json.encode(
            AlertRecord(
                alert_id="5b0e2f6f0c1d7a93",
                rule="entries-lost",
                scope="platform",
                id="tmall",
                state="firing",
                since_ms=1_750_176_000_000,
                at_ms=1_750_176_120_000,
                severity="critical",
                metric="entry_rate",
                observed=0.012,
                expected=0.61,
                sample=840.0,
                reason="drop",
                summary="platform tmall: clicks that lead to a shop entry at 1.2 %, usually 61.0 %",
                affected=["note:64b1f0c2000000001c00d5e1", "merchant:shop-88"],
                missing_per_hour=(15_070.0, 14_250.0, 15_900.0),
                lost_minor_per_hour=(7_200_000, 6_800_000, 7_600_000),
                currency="CNY",
            )
        )
    )
]
