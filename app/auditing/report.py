"""What an audit has found, and what it could not look at."""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from app.auditing.ledger import told
from app.auditing.problems import Check, Problems

Reason: TypeAlias = Literal["moving", "outbox", "left_out", "retention"]
Unchecked: TypeAlias = dict[Check, Reason]


class Compared(NamedTuple):
    """What the counters were compared with."""

    journeys: int
    complete: bool  # every fact ever counted is held, or was forgotten on purpose
    hours: range  # click hours that were compared one by one
    results: int


@dataclass
class Report:
    """The ledger, and everything that does not fit."""

    lines: dict[str, int]  # of the ledger, summed over the lanes
    reused_orders: list[str]
    problems: Problems = field(default_factory=Problems)
    unchecked: Unchecked = field(default_factory=dict)
    compared: Compared | None = None  # None: the lanes did not stand still

    def ledger(self) -> dict[str, Any]:
        """Topics, outcomes and what was seen."""
        return told(self.lines, len(self.reused_orders))
