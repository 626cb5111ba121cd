"""What all routes of one process share."""

from typing import NamedTuple

from app.api.access import Access
from app.api.documents import Grouped
from app.metrics.instruments import Instruments
from app.metrics.table import ServerName
from app.settings import Settings
from app.viewing.model import ReadModel
from app.viewing.party import Party


class Server(NamedTuple):
    """The read model, who may see what of it, and the metrics."""

    settings: Settings
    model: ReadModel
    access: Access
    instruments: Instruments[ServerName]

    def grouped(self, party: Party) -> Grouped | None:
        """How the figures of a party are grouped; None if they are live."""
        return Grouped(*self.model.grouping()) if party.grouped else None
