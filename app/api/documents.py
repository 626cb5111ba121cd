"""The JSON documents that the API answers with, as types; OpenAPI tells of them by schemas made from these."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from app.alerts.record import AlertRecord
from app.alerts.requests import LONGEST_TEXT, Silence
from app.api.problems import Problem
from app.viewing.figures import CounterValue, Rates
from app.viewing.series import Point

Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]

_encode = msgspec.json.Encoder().encode


class Grouped(msgspec.Struct, frozen=True):
    """How figures were grouped that several merchants' buyers are mixed in; see docs/parties.md."""

    k_tokens: int  # figures change in steps of at least so many tokens
    released_ms: int  # when they last did


class FigureDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """The counters and rates of one id."""

    id: str
    counters: dict[str, CounterValue]
    rates: Rates
    refused: dict[str, int]  # refused facts by KIND/REASON, counted at their nearest click
    as_of_ms: int = 0
    lag_s: float = -1.0
    grouped: Grouped | None = None


class ItemDocument(msgspec.Struct, frozen=True):
    """One id of a ranked list."""

    id: str
    counters: dict[str, CounterValue]
    rates: Rates


class SumDocument(msgspec.Struct, frozen=True):
    """Figures of no id of their own."""

    counters: dict[str, CounterValue]
    rates: Rates


class ListDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """A page of a ranked list, the sum of the whole list, and what of the sum is in no row."""

    items: list[ItemDocument]
    next: str | None  # the cursor of the next page
    total: int  # ids in the whole list
    sum: SumDocument
    as_of_ms: int = 0
    lag_s: float = -1.0
    remainder: SumDocument | None = None
    grouped: Grouped | None = None


class SeriesDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """A time series; its periods are half-open and have no gaps."""

    id: str
    basis: str
    step: int
    tz: str
    metrics: list[str]
    points: list[Point]
    as_of_ms: int = 0
    lag_s: float = -1.0
    grouped: Grouped | None = None


class JourneyDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened under a token and why each result came out as it did, as `redcat explain --json` tells it.

    Lane, `kept_ms` and policies are told to the admin.
    """

    token: str
    facts: list[dict[str, Any]]
    clicks: list[dict[str, Any]]
    results: list[dict[str, Any]]
    superseded: list[str]
    lane: int | None = None
    kept_ms: int | None = None
    policies: list[int] | None = None


class OrderDocument(msgspec.Struct, frozen=True):
    """All journeys that hold an order."""

    order_id: str
    journeys: list[JourneyDocument]


class LoginDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a browser sends to log in."""

    key: str


class PartyDocument(msgspec.Struct, frozen=True):
    """Who a key or session is of."""

    party: str


class AlertsDocument(msgspec.Struct, frozen=True):
    """Alerts as they stand: pending and firing ones, the oldest first, and those that ended, the newest first."""

    at_ms: int  # of the last evaluation; 0: there was none
    firing: list[AlertRecord]
    recent: list[AlertRecord]
    acknowledged: list[str]  # alert ids that somebody looks after
    silences: list[Silence]  # shown to the admin


class AcknowledgementDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who looks after an alert."""

    by: Text = ""
    why: Text = ""


class SilenceDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which alerts nobody is told about, and for how long."""

    rule: Annotated[str, Meta(max_length=64)] = "*"
    scope: Annotated[str, Meta(max_length=150)] = "*"  # KIND:ID or KIND:PREFIX*, with all that lies in it
    for_s: Annotated[int, Meta(ge=1, le=365 * 24 * 3_600)] = 3_600
    by: Text = ""
    why: Text = ""


DOCUMENTS: Final = (
    FigureDocument, ListDocument, SeriesDocument, JourneyDocument, OrderDocument, LoginDocument, PartyDocument, Problem,
    AlertsDocument, AcknowledgementDocument, SilenceDocument,
)  # fmt: skip


def schemas() -> dict[str, Any]:
    """The JSON Schemas of all documents, by name."""
    _, components = msgspec.json.schema_components(DOCUMENTS, ref_template="#/components/schemas/{name}")
    return components


def encoded(document: Any) -> bytes:
    """A document as JSON."""
    return _encode(document)
