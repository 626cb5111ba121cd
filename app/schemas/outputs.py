"""What Redcat writes, as types that say more than those it is written with: results, alerts, headers as UTF-8 text."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from app.alerts.model import Metric
from app.schemas.types import ResultId
from streams.core.facts import ID_PATTERN, Currency, Id, Millis, Minor

Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
FinalMillis: TypeAlias = Annotated[int, msgspec.Meta(ge=10**12)]

RESULT_TYPES: Final[Mapping[str, Any]] = {
    "result_id": ResultId,
    "revision": Positive,
    "token": Id,
    **dict.fromkeys(("platform", "merchant_id", "note_id", "category", "order_id"), Id | None),
    **dict.fromkeys(("campaign_id", "creator_id", "poster_id", "boost_id"), Id | None),
    **dict.fromkeys(("click_id", "nearest_note_id", "nearest_click_id"), Id | None),
    **dict.fromkeys(("at_ms", "click_at_ms"), Millis | None),
    **dict.fromkeys(("gross_minor", "refunded_minor", "net_minor"), Minor),
    "currency": Currency | None,
    "policy_version": Positive | None,
    "final_at_ms": FinalMillis | None,
}

ALERT_TYPES: Final[Mapping[str, Any]] = {
    "metric": Metric,
    **dict.fromkeys(("since_ms", "at_ms"), Millis),
    "currency": Currency | None,
}

InvalidCode: TypeAlias = Literal[
    "too_large", "not_json", "missing_field", "bad_field", "key_mismatch", "token_overflow", "internal"
]
Source: TypeAlias = Literal["click-out", "shop-entry", "shop-action", "order", "note-metric"]
Decimal: TypeAlias = Annotated[str, msgspec.Meta(pattern="^-?[0-9]+$")]
ResultAtRevision: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=rf"^(entry|favourite|cart|order):{ID_PATTERN}@[0-9]+$")
]
UtcTime: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$")
]

_DEAD_LETTER: Final = {
    "code": "__dlq.error.code",
    "message": "__dlq.error.message",
    "topic": "__dlq.original.topic",
    "partition": "__dlq.original.partition",
    "offset": "__dlq.original.offset",
    "timestamp": "__dlq.original.timestamp",
    "key": "__dlq.original.key",
}
_CLOUD_EVENT: Final = {"content_type": "content-type"}


class DeadLetterHeaders(msgspec.Struct, rename=_DEAD_LETTER):
    """Why a record is in the dead letters and where it stood; its own key and value are untouched."""

    code: InvalidCode
    message: str
    topic: Source
    partition: Decimal
    offset: Decimal
    timestamp: Decimal
    key: str | msgspec.UnsetType = msgspec.UNSET


class ResultHeaders(msgspec.Struct, rename=_CLOUD_EVENT):
    """The result as an event: CloudEvents 1.0, binary mode."""

    ce_specversion: Literal["1.0"]
    ce_id: ResultAtRevision
    ce_source: str
    ce_type: Literal[
        "redcat.conversion.entry", "redcat.conversion.favourite", "redcat.conversion.cart", "redcat.conversion.order"
    ]
    ce_time: UtcTime
    content_type: Literal["application/json"]
