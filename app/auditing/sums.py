"""What journeys count: their share in counters, ledger and click hours, worked out from the journeys themselves."""

from collections.abc import Iterable, Mapping
from typing import Final

from streams.core.credit import Outcomes
from streams.core.facts import Fact
from streams.core.journey import Journey
from streams.core.tally import CellKey, Tally
from streams.digest import LINES
from streams.rollups import Counts, Rows, add_counts, row_of_note, rows_of
from streams.topics import TOKEN_TOPICS

DISTINCT: Final = tuple(f"{topic}:distinct" for topic in TOKEN_TOPICS)
MINUTES: Final = 60


class Sums:
    """What some journeys count together; as large as the counters, whatever the number of journeys."""

    def __init__(self, hours: range) -> None:
        """`hours` (since 1970) are those of clicks that are looked at one by one."""
        self.hours = hours
        self.journeys = 0
        self.ledger: dict[str, int] = {}
        self.cells: dict[CellKey, Counts] = {}
        self.rows: Rows = {}  # over all of `hours`, of notes too
        self.by_hour: dict[int, Counts] = {}  # over all notes

    @property
    def facts(self) -> int:
        return sum(self.ledger.get(line, 0) for line in DISTINCT)

    def take(self, tally: Tally) -> None:
        """Add what `tally_of` made of a journey."""
        self.journeys += 1
        add_to(self.ledger, tally.ledger)
        for cell, moments in tally.moments.items():
            for (_, minute, name), change in moments.items():
                add_to(self.cells.setdefault(cell, {}), {name: change})
                self._note(cell, minute // MINUTES, name, change)

    def take_fields(self, fields: Mapping[str, int]) -> None:
        """Add what `fields_of` made of journeys that were forgotten since."""
        for field, count in fields.items():
            hour, *rest = field.split(" ")
            if rest:
                cell, name = _cell(rest[0]), rest[1]
                add_to(self.cells.setdefault(cell, {}), {name: count})
                self._note(cell, int(hour), name, count)
            else:
                add_to(self.ledger, {field: count})

    def _note(self, cell: CellKey, hour: int, name: str, change: int) -> None:
        if hour in self.hours:
            add_to(self.by_hour.setdefault(hour, {}), {name: change})
            for row in (row_of_note(cell), *rows_of(cell)):
                add_counts(self.rows, row, {name: change})


def tally_of(journey: Journey, judged: Outcomes) -> Tally:
    """What a journey counts by its outcomes; its facts and conflicts as well."""
    tally = Tally()
    tally.change(None, judged)
    for facts in (journey.clicks, journey.entries, journey.actions, journey.steps):
        _count_facts(tally.ledger, facts.values(), "distinct")
    _count_facts(tally.ledger, journey.lost, "conflicts")
    return tally


def fields_of(tally: Tally) -> dict[str, int]:
    """What a journey counts as names that tell nothing about it: ledger lines, and HOUR CELL NAME of its clicks."""
    fields: dict[str, int] = dict(tally.ledger)
    for (note_id, campaign_id, *others), moments in tally.moments.items():
        text = "|".join((note_id, campaign_id or "", *others))
        for (_, minute, name), change in moments.items():
            add_to(fields, {f"{minute // MINUTES} {text} {name}": change})
    return {field: count for field, count in fields.items() if count}


def add_to(sums: Counts, counts: Mapping[str, int]) -> None:
    """Add counters up."""
    for name, count in counts.items():
        sums[name] = sums.get(name, 0) + count


def _count_facts(ledger: Counts, facts: Iterable[Fact], what: str) -> None:
    for fact in facts:
        add_to(ledger, {LINES[fact.__class__, what]: 1})


def _cell(text: str) -> CellKey:
    note_id, campaign_id, merchant_id, platform, category, link, note_kind = text.split("|")
    return note_id, campaign_id or None, merchant_id, platform, category, link, note_kind
