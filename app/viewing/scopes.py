"""Scopes: what counters can be looked up for.  Pure."""

from typing import Final, Literal, NamedTuple, TypeAlias, get_args

Scope: TypeAlias = Literal["notes", "campaigns", "merchants", "platforms", "categories"]
Dimension: TypeAlias = Literal["note_id", "campaign_id", "merchant_id", "platform", "category", "link", "note_kind"]

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
DIMENSION_OF: Final[dict[Scope, Dimension]] = {
    "notes": "note_id",
    "campaigns": "campaign_id",
    "merchants": "merchant_id",
    "platforms": "platform",
    "categories": "category",
}


class Filters(NamedTuple):
    """Which cells are added up: those that agree with everything that is given; a category with all below it."""

    note_id: str | None = None
    campaign_id: str | None = None
    merchant_id: str | None = None
    platform: str | None = None
    category: str | None = None
    link: str | None = None
    note_kind: str | None = None


EVERYTHING: Final = Filters()
