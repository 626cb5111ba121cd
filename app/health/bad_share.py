"""The share of bad records: a few are life, many are a broken producer that somebody must be told of."""

import logging
from collections import deque
from typing import Final

log = logging.getLogger(__name__)

WINDOW_RECORDS: Final = 10_000  # looked back at
FEWEST_RECORDS: Final = 200  # below which a share says nothing


class BadShare:
    """Counts good and bad among the latest records, and logs when the share of bad ones goes over the limit."""

    def __init__(self, limit: float) -> None:
        self.limit = limit  # a share, 0 to 1
        self.alarming = False
        self._batches: deque[tuple[int, int]] = deque()
        self._records = 0
        self._bad = 0

    @property
    def share(self) -> float:
        """Of the latest records."""
        return self._bad / self._records if self._records else 0.0

    def add(self, records: int, bad: int) -> None:
        """A batch came."""
        if not records:
            return
        self._batches.append((records, bad))
        self._records += records
        self._bad += bad
        while self._records - self._batches[0][0] >= WINDOW_RECORDS:
            gone, gone_bad = self._batches.popleft()
            self._records -= gone
            self._bad -= gone_bad
        if not self.alarming and self._records >= FEWEST_RECORDS and self.share > self.limit:
            self.alarming = True
            log.error("too many bad records: look at `redcat dlq list`", extra=self._said())
        elif self.alarming and self.share < self.limit / 2:
            self.alarming = False
            log.warning("bad records are few again", extra=self._said())

    def _said(self) -> dict[str, float]:
        return {"share": round(self.share, 4), "limit": self.limit, "of_records": self._records}
