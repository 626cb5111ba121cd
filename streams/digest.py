"""Digest: what one batch changes, worked out from its facts and the journeys they belong to.  Pure."""

import logging
from collections.abc import Iterable, Sequence
from typing import get_args

import msgspec

from streams.arrivals import Arrivals, Aside
from streams.codec import encode_result
from streams.commits import Increments, Journeys, Orders
from streams.core.credit import Outcomes, judge, outcomes
from streams.core.facts import Action, Click, Entry, Fact, Step
from streams.core.journey import Absorbed, Journey
from streams.core.results import Result, changed, result_of, void, void_identities
from streams.core.tally import Tally
from streams.core.terms import PolicySet
from streams.errors import LaneStopped, RedcatError
from streams.parking import INTERNAL, OVERFLOW
from streams.records import ResultRecord
from streams.stored import JourneyCodec
from streams.words import Words

log = logging.getLogger(__name__)

FULL = "the journey holds 1024 distinct records"


class Digest(msgspec.Struct):
    """Everything that a batch changes, but for the positions it came from."""

    policies: PolicySet
    tally: Tally
    results: list[ResultRecord]
    short_lived: tuple[list[str], list[bytes]]
    long_lived: tuple[list[str], list[bytes]]  # journeys with an order
    aside: list[Aside]
    new: list[tuple[str, str]] = []  # order id and token, as in Orders
    kept: list[tuple[str, str]] = []
    gone: list[tuple[str, str]] = []
    failed: int = 0  # journeys that could not be restated and stay as they were

    @property
    def ledger(self) -> dict[str, int]:
        """Changes of ledger lines."""
        return self.tally.ledger

    def journeys(self) -> list[Journeys]:
        """The changed journeys, grouped by how long they live."""
        groups = ((self.policies.journey_ttl_ms, self.short_lived), (self.policies.order_ttl_ms, self.long_lived))
        return [Journeys(ttl_ms, tokens, values) for ttl_ms, (tokens, values) in groups if tokens]

    def orders(self) -> Orders | None:
        """What changes in the index of orders."""
        orders = Orders(self.policies.order_ttl_ms, self.new, self.kept, self.gone)
        return orders if any(orders[1:]) else None

    def increments(self) -> Increments:
        """The counter changes as the store takes them, zero changes left out."""
        cells: dict[str, dict[str, dict[str, int]]] = {}
        for (note_id, campaign_id, *others), counters in self.tally.cells().items():
            changes = {name: change for name, change in counters.items() if change}
            if changes:
                cells.setdefault(note_id, {})["|".join((campaign_id or "", *others))] = changes
        ledger = {line: change for line, change in self.ledger.items() if change}
        return Increments(cells, ledger, self.tally.moments)


class Digester:
    """Digests the batches of a lane under the policies that have entered it, in the order in which they did."""

    def __init__(self, policies: Sequence[PolicySet], words: Words) -> None:
        self.policies = policies  # [n - 1]: the set of the first n policies
        self._codec = JourneyCodec(words)

    def digest(self, arrived: Arrivals[Fact], loaded: Sequence[bytes | None], revision: int) -> Digest:
        """`loaded` holds the stored journeys in the order of `arrived.by_key`."""
        digest = Digest(self.policies[-1], Tally(), [], ([], []), ([], []), list(arrived.aside))
        for (token, facts), value in zip(arrived.by_key.items(), loaded, strict=True):
            try:
                if value is None and len(facts) == 1 and facts[0].__class__ is Click:
                    self._digest_lone_click(digest, facts[0])
                    continue
                overflow = self._digest_token(digest, token, facts, value, revision)
            except RedcatError:
                raise
            except Exception as error:
                # One token's records must not stop the lane: they wait as dead letters for a mended core.
                self._park(digest, arrived, facts, INTERNAL, f"the core could not digest it: {error!r}")
            else:
                if overflow:
                    self._park(digest, arrived, overflow, OVERFLOW, FULL)
        _keep_ledger(digest, arrived)
        return digest

    def without_late(self, arrived: Arrivals[Fact], loaded: Sequence[bytes | None]) -> list[bytes | None]:
        """See Digesting.  Order matters: what a full journey holds of a topic came before, perhaps in this batch."""
        wanted: list[bytes | None] = []
        for (token, facts), value in zip(list(arrived.by_key.items()), loaded, strict=True):
            journey = Journey() if value is None else self._codec.unpack(token, value)[0]
            kept, late = list[Fact](), list[Fact]()
            for fact in facts:
                if id(fact) in arrived.late and not journey.knows(fact):
                    late.append(fact)
                else:
                    kept.append(fact)
                    journey.absorb(fact)
            arrived.aside += [Aside(topic, record, OVERFLOW, FULL) for topic, record in arrived.records_of(late)]
            if kept:
                arrived.by_key[token] = kept
                wanted.append(value)
            else:
                del arrived.by_key[token]
        return wanted

    def _digest_lone_click(self, digest: Digest, click: Click) -> None:
        """The same as for any token, for what most of them are: a new journey of one click has no results."""
        judged = judge(click, self.policies[-1])
        stored = self._codec.pack_lone_click(click, len(self.policies))
        digest.short_lived[0].append(click.token)
        digest.short_lived[1].append(stored)
        digest.tally.count_click(judged, 1)
        ledger = digest.tally.ledger
        ledger["click-out:distinct"] = ledger.get("click-out:distinct", 0) + 1

    def _digest_token(
        self, digest: Digest, token: str, facts: list[Fact], value: bytes | None, revision: int
    ) -> list[Fact]:
        """Absorb the facts of one token; returns those that a full journey did not take."""
        if value is None:
            journey, before = Journey(), None
        else:
            journey, known = self._codec.unpack(token, value)
            before = outcomes(journey, self.policies[known - 1])
        absorbed = [journey.absorb(fact) for fact in facts]
        after = outcomes(journey, self.policies[-1])
        stored = self._codec.pack(journey, len(self.policies))
        results = changed(token, before, after, revision) if after.results or before else []
        # Nothing below fails, so a token is digested whole or not at all.
        tokens, values = digest.long_lived if journey.steps else digest.short_lived
        tokens.append(token)
        values.append(stored)
        digest.tally.change(before, after)
        if journey.steps:
            _index_orders(digest, token, before, after)
        if results:
            digest.results += [result_record(result) for result in results]
        ledger = digest.tally.ledger
        for fact, what in zip(facts, absorbed, strict=True):
            line = LINES[fact.__class__, what]
            ledger[line] = ledger.get(line, 0) + 1
        if "overflow" not in absorbed:
            return []
        return [fact for fact, what in zip(facts, absorbed, strict=True) if what == "overflow"]

    def _park(self, digest: Digest, arrived: Arrivals[Fact], facts: Sequence[Fact], code: str, message: str) -> None:
        digest.aside += [Aside(topic, record, code, message) for topic, record in arrived.records_of(facts)]

    def restate(self, journeys: Iterable[tuple[str, bytes]], revision: int, *, everything: bool) -> Digest:
        """Bring stored journeys under the present policies; with `everything` all their results are told again."""
        digest = Digest(self.policies[-1], Tally(), [], ([], []), ([], []), [])
        for token, value in journeys:
            try:
                self._restate_token(digest, token, value, revision, everything=everything)
            except RedcatError:
                raise
            except Exception:
                log.exception("a journey cannot be restated", extra={"token": token})
                digest.failed += 1
        return digest

    def _restate_token(self, digest: Digest, token: str, value: bytes, revision: int, *, everything: bool) -> None:
        journey, known = self._codec.unpack(token, value)
        if known < len(self.policies):
            before, after = outcomes(journey, self.policies[known - 1]), outcomes(journey, self.policies[-1])
            results = [result_record(result) for result in changed(token, before, after, revision)]
            stored = self._codec.pack(journey, len(self.policies))
            tokens, values = digest.long_lived if journey.steps else digest.short_lived
            tokens.append(token)
            values.append(stored)
            digest.tally.change(before, after)
            if not everything:
                digest.results += results
        if everything:
            digest.results += self.tell(token, value, revision)

    def tell(self, token: str, value: bytes, revision: int) -> list[ResultRecord]:
        """Every result of a stored journey, those of identities that ceased to exist included.

        LaneStopped when the core cannot digest it, although some version once did.
        """
        journey, _ = self._codec.unpack(token, value)
        try:
            after = outcomes(journey, self.policies[-1])
        except Exception as error:
            raise LaneStopped(f"the results of journey {token} cannot be told again: {error!r}") from error
        results = [result_of(token, result_id, outcome, revision) for result_id, outcome in after.results.items()]
        results += [void(token, result_id, revision) for result_id in sorted(void_identities(journey, after))]
        return [result_record(result) for result in results]


_TOPICS: dict[type[Fact], str] = {Click: "click-out", Entry: "shop-entry", Action: "shop-action", Step: "order"}
LINES = {(kind, what): f"{topic}:{what}" for kind, topic in _TOPICS.items() for what in get_args(Absorbed)}
"""The ledger line of a fact by its type and what absorbing it was."""


def result_record(result: Result) -> ResultRecord:
    """A result as it goes to the outbox."""
    event_id = f"{result.result_id}@{result.revision}"
    return ResultRecord(result.token.encode(), event_id, result.kind, encode_result(result))


def _index_orders(digest: Digest, token: str, before: Outcomes | None, after: Outcomes) -> None:
    held, known = _orders_of(after), set[str]() if before is None else _orders_of(before)
    for pairs, order_ids in ((digest.new, held - known), (digest.kept, held & known), (digest.gone, known - held)):
        pairs += [(order_id, token) for order_id in order_ids]


def _orders_of(outcomes: Outcomes) -> set[str]:
    return {outcome.order_id for outcome in outcomes.results.values() if outcome.order_id is not None}


def _keep_ledger(digest: Digest, arrived: Arrivals[Fact]) -> None:
    """Every record consumed stands in one line: distinct, duplicates, invalid or forwarded."""
    ledger = digest.tally.ledger

    def add(line: str, change: int) -> None:
        ledger[line] = ledger.get(line, 0) + change

    for topic, records in arrived.consumed.items():
        add(f"{topic}:consumed", records)
        add(f"{topic}:duplicates", ledger.get(f"{topic}:conflicts", 0))  # a conflict is a duplicate as well
        ledger.pop(f"{topic}:overflow", None)  # stands under invalid
    for aside in digest.aside:
        add(f"{aside.topic}:invalid/{aside.code}", 1)
    for misplaced in arrived.misplaced:
        add(f"{misplaced.topic}:forwarded", 1)
