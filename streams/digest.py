"""Digest: what one batch changes, worked out from its facts and the journeys they belong to.  Pure."""

from collections.abc import Sequence
from typing import get_args

import msgspec

from streams.arrivals import PARK_CODES, Arrivals, Aside
from streams.codec import encode_result
from streams.core.credit import judge, outcomes
from streams.core.facts import Action, Click, Entry, Fact, Step
from streams.core.journey import Absorbed, Journey
from streams.core.results import Result, changed, result_of, void, void_identities
from streams.core.tally import Tally
from streams.core.terms import PolicySet
from streams.errors import LaneStopped, RedcatError
from streams.ports import Increments, Journeys, ResultRecord
from streams.stored import JourneyCodec
from streams.words import Words


class Digest(msgspec.Struct):
    """Everything that a batch changes, but for the positions it came from."""

    tally: Tally
    results: list[ResultRecord]
    short_lived: tuple[list[str], list[bytes]]
    long_lived: tuple[list[str], list[bytes]]  # journeys with an order
    aside: list[Aside]

    def journeys(self, policies: PolicySet) -> list[Journeys]:
        """The changed journeys, grouped by how long they live."""
        groups = ((policies.journey_ttl_ms, self.short_lived), (policies.order_ttl_ms, self.long_lived))
        return [Journeys(ttl_ms, tokens, values) for ttl_ms, (tokens, values) in groups if tokens]

    def increments(self) -> Increments:
        """The counter changes as the store takes them, zero changes left out."""
        cells: dict[str, dict[str, dict[str, int]]] = {}
        for key, counters in self.tally.cells.items():
            changes = {name: change for name, change in counters.items() if change}
            if changes:
                note_id, campaign_id, *others = key
                cells.setdefault(note_id, {})["|".join((campaign_id or "", *others))] = changes
        return Increments(cells, {line: change for line, change in self.tally.ledger.items() if change})


class Digester:
    """Digests the batches of a lane under the policies that have entered it, in the order in which they did."""

    def __init__(self, policies: Sequence[PolicySet], words: Words) -> None:
        self._policies = policies  # [n - 1]: the set of the first n policies
        self._codec = JourneyCodec(words)

    def digest(self, arrived: Arrivals, loaded: Sequence[bytes | None], revision: int) -> Digest:
        """`loaded` holds the stored journeys in the order of `arrived.by_token`."""
        digest = Digest(Tally(), [], ([], []), ([], []), list(arrived.aside))
        for (token, facts), value in zip(arrived.by_token.items(), loaded, strict=True):
            try:
                if value is None and len(facts) == 1 and facts[0].__class__ is Click:
                    self._digest_lone_click(digest, facts[0])
                    continue
                overflow = self._digest_token(digest, token, facts, value, revision)
            except RedcatError:
                raise
            except Exception as error:
                # One token's records must not stop the lane: they wait as dead letters for a mended core.
                self._park(digest, arrived, facts, "internal", f"the core could not digest it: {error!r}")
            else:
                if overflow:
                    self._park(digest, arrived, overflow, "token_overflow", "the journey holds 1024 distinct records")
        _keep_ledger(digest, arrived)
        return digest

    def _digest_lone_click(self, digest: Digest, click: Click) -> None:
        """The same as for any token, for what most of them are: a new journey of one click has no results."""
        judged = judge(click, self._policies[-1])
        stored = self._codec.pack_lone_click(click, len(self._policies))
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
            before = outcomes(journey, self._policies[known - 1])
        absorbed = [journey.absorb(fact) for fact in facts]
        after = outcomes(journey, self._policies[-1])
        stored = self._codec.pack(journey, len(self._policies))
        results = changed(token, before, after, revision) if after.results or before else []
        # Nothing below fails, so a token is digested whole or not at all.
        tokens, values = digest.long_lived if journey.steps else digest.short_lived
        tokens.append(token)
        values.append(stored)
        digest.tally.change(before, after)
        if results:
            digest.results += [result_record(result) for result in results]
        ledger = digest.tally.ledger
        for fact, what in zip(facts, absorbed, strict=True):
            line = LINES[fact.__class__, what]
            ledger[line] = ledger.get(line, 0) + 1
        if "overflow" not in absorbed:
            return []
        return [fact for fact, what in zip(facts, absorbed, strict=True) if what == "overflow"]

    def _park(self, digest: Digest, arrived: Arrivals, facts: Sequence[Fact], code: str, message: str) -> None:
        digest.aside += [Aside(topic, record, code, message) for topic, record in arrived.records_of(facts)]

    def restate(self, token: str, value: bytes, revision: int) -> list[ResultRecord]:
        """Every result of a stored journey, those of identities that ceased to exist included.

        LaneStopped when the core cannot digest it, although some version once did.
        """
        journey, _ = self._codec.unpack(token, value)
        try:
            after = outcomes(journey, self._policies[-1])
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


def _keep_ledger(digest: Digest, arrived: Arrivals) -> None:
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


def parked_offsets(digest: Digest) -> dict[str, list[int]]:
    """The offsets of records that the core did not take, by topic and code."""
    parked: dict[str, list[int]] = {}
    for aside in digest.aside:
        if aside.code in PARK_CODES:
            parked.setdefault(f"{aside.topic}:{aside.code}", []).append(aside.record.offset)
    return parked
