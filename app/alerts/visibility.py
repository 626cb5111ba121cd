"""Which alerts exist for a party: only those about a scope of which it sees everything.  Pure."""

from typing import Final

import msgspec
import numpy as np

from app.alerts.model import Scope, ScopeKind
from app.alerts.record import AlertRecord
from app.viewing.cells import Cells
from app.viewing.party import Party
from app.viewing.scopes import Dimension

DIMENSIONS: Final[dict[ScopeKind, Dimension]] = {
    "note": "note_id", "campaign": "campaign_id", "merchant": "merchant_id", "platform": "platform", "link": "link",
}  # fmt: skip


def visible(records: list[AlertRecord], party: Party, cells: Cells) -> list[AlertRecord]:
    """The records that exist for a party, without what does not exist for it in them."""
    if sees_all(party):
        return records
    return [
        msgspec.structs.replace(record, affected=[one for one in record.affected if _sees(party, _scope(one), cells)])
        for record in records
        if _sees(party, Scope(record.scope, record.id), cells)
    ]


def sees_all(party: Party) -> bool:
    """Whether all alerts exist for a party."""
    return party.kind in ("admin", "xhs")


def _sees(party: Party, scope: Scope, cells: Cells) -> bool:
    """Whether all cells of a scope are the party's."""
    if scope == Scope("platform" if party.kind == "platform" else "merchant", party.id):
        return True
    if scope.kind == "category":
        numbers = cells.below(scope.id)
        dimension: Dimension = "category"
    elif scope.kind in DIMENSIONS:
        dimension = DIMENSIONS[scope.kind]
        number = cells.names[dimension].numbers.get(scope.id)
        numbers = [] if number is None else [number]
    else:
        return False
    rows = cells.of_shops(np.flatnonzero(np.isin(cells.codes(dimension), numbers)))
    shops = cells.distinct(rows, ("platform", "merchant_id")) if len(rows) else []
    return bool(shops) and all(party.sees(platform, merchant_id) for platform, merchant_id in shops)


def _scope(text: str) -> Scope:
    kind, _, name = text.partition(":")
    return msgspec.convert([kind, name], Scope)
