"""What a batch changes when a journey is full, a record is poison, or contents change identities."""

import msgspec
import pytest

from app.policies.file import read_policies
from streams.arrivals import Arrivals, arrivals, parkable
from streams.core.facts import Click, Fact
from streams.core.journey import MAX_CONTENTS
from streams.core.results import Result
from streams.core.terms import PolicySet, Terms
from streams.digest import Digest, Digester
from streams.parking import FOR_EVER, full_name, park
from streams.records import Batch
from streams.words import Words
from tests.behaviour.builders import cart, click, entry, favourite, paid
from tests.generators.records import Written
from tests.pure_worker import Consumed

POLICIES = PolicySet(read_policies(None))


class Allergic(PolicySet):
    """Policies under which the core cannot digest one campaign."""

    def terms(self, click: Click) -> Terms:
        if click.campaign_id == "poison":
            raise ZeroDivisionError
        return super().terms(click)


def arrived(*written: Written, first: int = 0) -> Arrivals[Fact]:
    """Records of a lane that is the only one, at offsets from `first` on."""
    records: dict[str, list[Consumed]] = {}
    for offset, one in enumerate(written, first):
        records.setdefault(one.topic, []).append(Consumed(offset, 0, one.key, one.value))
    return arrivals(Batch(0, 1, {}, {}, records), partitions=1)


def digested(digester: Digester, batch: Arrivals[Fact], stored: dict[str, bytes]) -> Digest:
    digest = digester.digest(batch, [stored.get(token) for token in batch.by_key], revision=7)
    for journeys in digest.journeys():
        stored.update(zip(journeys.tokens, journeys.values, strict=True))
    return digest


def told(digest: Digest) -> dict[str, str]:
    """Outcome by result id."""
    results = [msgspec.json.decode(record.value, type=Result) for record in digest.results]
    return {result.result_id: result.outcome for result in results}


@pytest.mark.parametrize("batches", [1, 4])
def test_a_full_journey_takes_no_new_content_but_still_knows_what_it_has(batches: int) -> None:
    many = [click(), *(entry(f"e{number}", at=number) for number in range(1, MAX_CONTENTS + 3))]
    digester, stored = Digester([POLICIES], Words()), dict[str, bytes]()
    aside = []
    size = -(-len(many) // batches)
    for first in range(0, len(many), size):
        digest = digested(digester, arrived(*many[first : first + size], first=first), stored)
        aside += digest.aside
    assert [(one.code, one.record.offset) for one in aside] == [("token_overflow", MAX_CONTENTS + n) for n in range(3)]

    again = digested(digester, arrived(many[1], entry("e2", at=9), first=5_000), stored)
    assert park({}, parkable(again.aside)) == {full_name("shop-entry", b"t1"): [(5_001, FOR_EVER)]}
    assert again.tally.ledger["shop-entry:duplicates"] == 1
    assert again.tally.ledger["shop-entry:invalid/token_overflow"] == 1


def test_what_the_core_cannot_digest_is_set_aside_and_the_rest_goes_on() -> None:
    digester, stored = Digester([Allergic(read_policies(None))], Words()), dict[str, bytes]()
    poison = click(campaign_id="poison")
    digest = digested(digester, arrived(poison, click(token="t2"), entry(token="t2", at=1), paid(at=2)), stored)
    assert told(digest) == {"entry:entry@1": "credited"}
    assert stored.keys() == {"t2"}
    assert park({}, parkable(digest.aside)) == {"click-out:internal": [(0, 1)], "order:internal": [(3, 4)]}
    assert "ZeroDivisionError" in digest.aside[0].message
    assert digest.tally.ledger["order:invalid/internal"] == 1


def test_everything_a_journey_ever_said_can_be_told_again() -> None:
    digester, stored = Digester([POLICIES], Words()), dict[str, bytes]()
    first = digested(
        digester, arrived(click(), favourite("a", at=1), entry("e", at=2), paid("p", at=3, order="o1")), stored
    )
    assert told(first) == {"favourite:a": "credited", "entry:e": "credited", "order:o1": "credited"}

    second = digested(digester, arrived(cart("a", at=5), paid("p", at=6, order="o2"), entry("e", at=3)), stored)
    assert told(second) == {
        "favourite:a": "void", "cart:a": "credited", "order:o1": "void", "order:o2": "credited", "entry:e": "credited",
    }  # fmt: skip

    again = [msgspec.json.decode(record.value, type=Result) for record in digester.tell("t1", stored["t1"], 9)]
    assert {result.result_id: (result.outcome, result.revision) for result in again} == {
        "favourite:a": ("void", 9), "cart:a": ("credited", 9), "order:o1": ("void", 9), "order:o2": ("credited", 9),
        "entry:e": ("credited", 9),
    }  # fmt: skip


def test_what_was_parked_before_a_replay_is_parked_again_untried() -> None:
    records = {"order": [Consumed(4, 0, one.key, one.value) for one in [paid(at=1)]]}
    batch = arrivals(Batch(0, 1, {}, {}, records), partitions=1, parked={"order:internal": [(3, 5)]})
    assert batch.by_key == {}
    assert [(one.code, one.record.offset) for one in batch.aside] == [("internal", 4)]
