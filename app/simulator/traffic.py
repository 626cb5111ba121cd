"""The simulation itself: journeys put into one stream of records, in the order in which they are sent."""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from random import Random

from app.simulator.config import SimulatorConfig
from app.simulator.disturbances import Disturbances, resolved
from app.simulator.facts import Fact, Outgoing, key_of, value_of
from app.simulator.figures import Figures
from app.simulator.journeys import Journeys, Told
from app.simulator.noise import Noise
from app.simulator.pace import DAY_MS, Clock
from app.simulator.population import Population
from app.simulator.truth import Tallies
from streams.topics import CLICK_OUT

_RECORDS_PER_SLICE = 500  # of those that are sorted at once
_due_ms = attrgetter("timestamp_ms")


def simulate(config: SimulatorConfig, tallies: Tallies) -> Iterator[Outgoing]:
    """Yield exactly `config.events` records in sending order; `tallies` is complete when the last one is out.

    A record's timestamp is the event time at which it is sent.  What waits for its moment is kept in slices of
    event time, so that only a slice at a time is sorted.
    """
    if not config.events:
        return
    teller = _Teller(config, tallies)
    clock = Clock(config.start_ms, config.days)
    usually = config.events / teller.growth(clock)
    slice_ms = max(1_000, int(config.days * DAY_MS * _RECORDS_PER_SLICE / config.events))
    waiting: dict[int, list[Outgoing]] = {}
    made, current = 0, config.start_ms // slice_ms
    while made < config.events:
        at_ms = clock.at(teller.usual / usually)
        while current < at_ms // slice_ms:
            yield from sorted(waiting.pop(current, ()), key=_due_ms)
            current += 1
        records = teller.next(at_ms, config.events - made)
        made += len(records)
        for record in records:
            place = _due_ms(record) // slice_ms
            if place in waiting:
                waiting[place].append(record)
            else:
                waiting[place] = [record]
    for place in sorted(waiting):
        yield from sorted(waiting.pop(place), key=_due_ms)


class _Teller:
    """Makes the records of one journey after the other, and notes' figures between them; keeps the truth about both.

    `usual` counts the records that would have been made if there were no incidents: by them the clock goes, or a feed
    that stops would make all others quicker.
    """

    def __init__(self, config: SimulatorConfig, tallies: Tallies) -> None:
        population = self._population = Population(config)
        self.usual = 0
        self._random = Random(config.seed)
        self._journeys = Journeys(self._random, population, config.mix)
        self._figures = Figures(self._random, config.mix)
        self._noise = Noise(self._random, population, config)
        self._invalid = config.mix.invalid
        self._tallies = tallies
        tallies.incidents = resolved(config.incidents, population)
        self._disturbances = Disturbances(tallies.incidents, config.seed)
        self._fitted = True  # what was to be delivered last

    def growth(self, clock: Clock) -> float:
        """See Disturbances."""
        return self._disturbances.growth(clock, self._population)

    def next(self, at_ms: int, room: int) -> list[Outgoing]:
        """The records of the next journey; of a journey of one click if they were more than `room`."""
        records: list[Outgoing] = []
        for metric in self._figures.tell(at_ms):
            records += self._deliver([metric], room - 1 - len(records))
        told = self._journeys.draw(at_ms)
        records += self._afflicted(told, room - len(records))
        if not self._fitted:
            records += self._deliver_click(at_ms)
        usual = self.usual
        for link, goes_on in self._disturbances.added(told):
            more = self._journeys.draw(at_ms, link) if goes_on else [self._journeys.draw_click(at_ms, link)]
            records += self._afflicted(more, room - len(records))
        self.usual = usual
        return records

    def _afflicted(self, told: Sequence[Told], room: int) -> list[Outgoing]:
        """The records of a journey, with what incidents do to it."""
        records: list[Outgoing] = []
        journeys = self._disturbances.journeys(told)
        self.usual += len(told) - sum(map(len, journeys))
        for journey in journeys:
            records += self._deliver(journey, room - len(records))
        return records

    def _deliver(self, told: Sequence[Told], room: int) -> list[Outgoing]:
        """The records of facts with one key; none if they were more than `room`."""
        records, facts = self._noise.deliver(told)
        spoilt = self._noise.spoil(told[-1]) if self._random.random() < self._invalid else None
        usual = len(records) + (spoilt is not None)
        records, facts = self._disturbances.delivery(records, facts)
        self._fitted = len(records) + (spoilt is not None) <= room
        if not self._fitted:
            return []
        self.usual += usual
        self._tell(records, facts)
        if spoilt is not None:
            self._tallies.sent[spoilt.record.topic] += 1
            self._tallies.invalid[spoilt.record.topic, spoilt.code] += 1
            records.append(spoilt.record)
        return records

    def _deliver_click(self, at_ms: int) -> list[Outgoing]:
        due_ms, click = self._journeys.draw_click(at_ms)
        record = Outgoing(CLICK_OUT, None, key_of(click), value_of(click), due_ms)
        self.usual += 1
        self._tell([record], [click])
        return [record]

    def _tell(self, records: Sequence[Outgoing], facts: Sequence[Fact]) -> None:
        self._figures.notice(facts)
        self._tallies.tell(facts)
        for record in records:
            if record.partition is not None:
                self._tallies.forwarded[record.topic] += 1
