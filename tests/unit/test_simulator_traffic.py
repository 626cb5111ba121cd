"""The simulated traffic is repeatable, has everything in it, and amounts to its truth."""

import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from app.simulator.compare import compare_counters, compare_ledger, compare_results
from app.simulator.config import Mix, SimulatorConfig
from app.simulator.facts import TOPICS, Outgoing
from app.simulator.incidents import usual_incidents
from app.simulator.pace import DAY_MS, Clock
from app.simulator.population import Population
from app.simulator.rules import DEFAULT_POLICY, Rules
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies, compact
from app.simulator.truth_file import Truth, truth_of
from streams.murmur2 import partition_of
from tests.generators.records import numbered
from tests.oracle.evaluation import Evaluation, evaluate
from tests.oracle.intake import Invalid, Record, read
from tests.oracle.placement import with_forwarded

EVENTS = 12_000
T0 = SimulatorConfig().start_ms
HARD: Final = Mix(
    facts_without_click=0.1, another_click=0.4, action=0.3, order=0.4, other_shop=0.1, before_click=0.1,
    at_an_edge=0.1, refused_link=0.3, repeated=0.1, reworded=0.1, conflicting=0.2, misplaced=0.1, metric=0.1,
    invalid=0.1, too_large=0.03,
)  # fmt: skip


def run(config: SimulatorConfig, policy: Mapping[str, Any] = DEFAULT_POLICY) -> tuple[list[Outgoing], Truth]:
    tallies = Tallies(Rules([policy]), full_results=True)
    records = list(simulate(config, tallies))
    return records, truth_of(tallies)


@pytest.fixture(scope="module")
def ordinary() -> tuple[list[Outgoing], Truth]:
    return run(SimulatorConfig(events=EVENTS, seed=7))


@pytest.fixture(scope="module")
def facts(ordinary: tuple[list[Outgoing], Truth]) -> list[tuple[str, dict[str, Any]]]:
    """Topic and fields of the valid records that belong to a journey."""
    read_in = ((one.topic, read(Record(one.topic, 0, 0, one.key, one.value))) for one in ordinary[0])
    return [(topic, fields) for topic, fields in read_in if not isinstance(fields, Invalid) and "token" in fields]


def evaluated(records: list[Outgoing], partitions: int, policy: Mapping[str, Any]) -> Evaluation:
    """What the tests' own batch evaluation makes of the records."""
    placed = [
        Record(
            one.topic, partition_of(one.key or b"", partitions) if one.partition is None else one.partition,
            0, one.key, one.value,
        )
        for one in records
    ]  # fmt: skip
    return evaluate(with_forwarded(numbered(placed), partitions), [dict(policy)], partitions=partitions)


GATED = {
    **DEFAULT_POLICY,
    "lead": "2s",
    "windows": {"entry": "2h", "favourite": "1d", "cart": "1d", "order": "3d"},
    "gates": [{"platform": "jd", "closed_from_ms": T0 + DAY_MS // 4, "closed_to_ms": T0 + DAY_MS // 2}],
    "categories": {"outdoor": {"windows": {"order": "20d"}}},
    "campaigns": {"c1": {"lead": "1h"}},
}


@pytest.mark.parametrize(
    ("config", "policy"),
    [
        (SimulatorConfig(events=6_000, seed=1), DEFAULT_POLICY),
        (SimulatorConfig(events=3_000, seed=2, mix=HARD, days=0.5), DEFAULT_POLICY),
        (SimulatorConfig(events=3_000, seed=3, mix=HARD, notes=5, merchants=2, partitions=1), DEFAULT_POLICY),
        (SimulatorConfig(events=3_000, seed=4, mix=HARD, campaigns=2), GATED),
        (SimulatorConfig(events=6_000, seed=8, incidents=tuple(usual_incidents(8, T0, 3))), DEFAULT_POLICY),
        (SimulatorConfig(events=1, seed=5), DEFAULT_POLICY),
        (SimulatorConfig(events=0, seed=6), DEFAULT_POLICY),
    ],
    ids=["ordinary", "hard", "one partition", "other policy", "incidents", "one record", "nothing"],
)
def test_the_truth_agrees_with_another_evaluation_of_the_records(
    config: SimulatorConfig, policy: Mapping[str, Any]
) -> None:
    records, truth = run(config, policy)

    evaluation = evaluated(records, config.partitions, policy)

    latest = {
        f"{token} {result_id}": compact({**fields, **_blank_money(fields)}, full=True)
        for (token, result_id), fields in evaluation.results.items()
    }
    assert compare_counters(truth, evaluation.notes) == []
    assert compare_ledger(truth, evaluation.ledger) == []
    assert compare_results(truth, latest) == []
    assert set(truth.may_be_void) == {" ".join(identity) for identity in evaluation.superseded}


def _blank_money(fields: Mapping[str, Any]) -> dict[str, Any]:
    names = ("gross_minor", "refunded_minor", "net_minor")
    return {} if fields["kind"] == "order" else {name: fields.get(name) or None for name in names}


def fingerprint(config: SimulatorConfig) -> str:
    digest = sha256()
    for record in simulate(config, Tallies()):
        digest.update(repr(tuple(record)).encode())
    return digest.hexdigest()


def test_equal_configurations_give_equal_records() -> None:
    assert fingerprint(SimulatorConfig(events=2_000)) == fingerprint(SimulatorConfig(events=2_000))
    assert fingerprint(SimulatorConfig(events=2_000)) != fingerprint(SimulatorConfig(events=2_000, seed=2))


def test_records_do_not_depend_on_the_hash_seed_of_the_process() -> None:
    program = (
        "from tests.unit.test_simulator_traffic import *\nprint(fingerprint(SimulatorConfig(events=1_000, mix=HARD)))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())}, check=True, capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(printed) == 1


@pytest.mark.parametrize("events", [1, 2, 3, 50, 1_001])
def test_exactly_as_many_records_come_as_were_asked_for(events: int) -> None:
    for seed in range(5):
        records, truth = run(SimulatorConfig(events=events, seed=seed, notes=20, mix=HARD))
        assert len(records) == events
        consumed = sum(topic["consumed"] - topic["forwarded"] for topic in truth.topics.values())
        assert consumed == events


def test_records_leave_in_the_order_of_their_timestamps(ordinary: tuple[list[Outgoing], Truth]) -> None:
    sent_ms = [record.timestamp_ms or 0 for record in ordinary[0]]

    assert sent_ms == sorted(sent_ms)
    assert sent_ms[0] >= T0


def test_facts_are_out_of_order_and_some_come_before_their_click(facts: list[tuple[str, dict[str, Any]]]) -> None:
    clicked: set[str] = set()
    happened: list[int] = []
    early = 0
    for topic, fields in facts:
        happened.append(fields["at_ms"])
        if topic == "click-out":
            clicked.add(fields["token"])
        else:
            early += fields["token"] not in clicked
    late = sum(earlier > later for earlier, later in pairwise(happened))

    assert late > EVENTS * 0.05
    assert early > EVENTS * 0.005


def test_the_shares_of_the_topics_are_those_of_the_trade(ordinary: tuple[list[Outgoing], Truth]) -> None:
    shares = {topic: count / EVENTS for topic, count in Counter(record.topic for record in ordinary[0]).items()}

    assert set(shares) == set(TOPICS)
    assert 0.50 < shares["click-out"] < 0.57
    assert 0.23 < shares["shop-entry"] < 0.28
    assert 0.05 < shares["shop-action"] < 0.08
    assert 0.09 < shares["order"] < 0.14
    assert 0.01 < shares["note-metric"] < 0.03


def test_every_outcome_occurs(ordinary: tuple[list[Outgoing], Truth]) -> None:
    refused = {f"refused/{reason}" for reason in ("no_click", "other_shop", "window_passed", "click_refused")}

    assert ordinary[1].outcomes["entry"].keys() == {"credited/", "refused/before_click", *refused}
    actions = ordinary[1].outcomes["favourite"].keys() | ordinary[1].outcomes["cart"].keys()
    assert actions == {"credited/", "refused/before_click", *refused}
    assert ordinary[1].outcomes["order"].keys() >= {
        "credited/", "pending/not_paid", "held/order_frozen", "withdrawn/order_closed", *refused,
    }  # fmt: skip
    assert 0.75 < ordinary[1].outcomes["entry"]["credited/"] / sum(ordinary[1].outcomes["entry"].values()) < 0.9


def test_every_kind_of_trouble_occurs(ordinary: tuple[list[Outgoing], Truth]) -> None:
    invalid: Counter[str] = Counter()
    for topic in ordinary[1].topics.values():
        invalid.update(topic["invalid"])
    hard = run(SimulatorConfig(events=4_000, mix=HARD))[1].topics

    assert all(topic["duplicates"] > topic["conflicts"] > 0 for topic in hard.values() if "conflicts" in topic)
    assert all(topic["forwarded"] > 0 < sum(topic["invalid"].values()) for topic in hard.values())
    assert invalid.keys() >= {"not_json", "missing_field", "bad_field", "key_mismatch"}
    assert sum(invalid.values()) < EVENTS * 0.01
    assert ordinary[1].seen["currency_mismatch"] > 0
    assert sum(topic["invalid"].get("too_large", 0) for topic in hard.values()) > 0


def test_each_reason_to_refuse_a_click_occurs(facts: list[tuple[str, dict[str, Any]]]) -> None:
    links = {
        (fields["platform"], fields["category"].partition(".")[0], fields["link"], fields["note_kind"])
        for topic, fields in facts
        if topic == "click-out"
    }
    assert any(platform in ("pdd", "douyin") for platform, *_ in links)
    assert any(platform == "tmall" and industry == "auto" for platform, industry, *_ in links)
    assert any(platform == "tmall" and link == "comment" for platform, _, link, _ in links)
    assert any(platform == "tmall" and kind == "ugc" for platform, _, _, kind in links)


def test_ids_look_like_those_of_the_trade(facts: list[tuple[str, dict[str, Any]]]) -> None:
    click = next(fields for topic, fields in facts if topic == "click-out")
    order = next(fields for topic, fields in facts if topic == "order")

    assert [len(click[name]) for name in ("token", "event_id", "note_id", "creator_id")] == [32, 24, 24, 24]
    assert click["merchant_id"].isdecimal()
    assert len(click["merchant_id"]) == 9
    assert order["order_id"].isdecimal()
    assert len(order["order_id"]) == 19


def test_few_notes_have_most_of_the_clicks(ordinary: tuple[list[Outgoing], Truth]) -> None:
    clicks = sorted((note.get("clicks", 0) for note in ordinary[1].notes.values()), reverse=True)

    assert sum(clicks[: len(clicks) // 10]) > 0.4 * sum(clicks)
    assert len(clicks) > 1_000


def test_the_evening_is_busier_than_the_night(facts: list[tuple[str, dict[str, Any]]]) -> None:
    hours = Counter((fields["at_ms"] - T0) // 3_600_000 % 24 for topic, fields in facts if topic == "click-out")
    assert hours[21] > 8 * hours[4]


def test_the_clock_never_goes_back_and_ends_with_the_days() -> None:
    clock = Clock(T0, 1.5)
    moments = [clock.at(number / 1_000) for number in range(1_001)]

    assert moments == sorted(moments)
    assert (moments[0], moments[-1]) == (T0, T0 + 36 * 3_600_000)


@pytest.mark.parametrize("days", [0.01, 1 / 24, 0.3])
def test_less_than_a_day_is_covered_too(days: float) -> None:
    assert abs(Clock(T0, days).at(1.0) - T0 - days * DAY_MS) <= 1


@pytest.mark.parametrize("config", [SimulatorConfig(notes=1, merchants=1, campaigns=1), SimulatorConfig(notes=6_000)])
def test_small_and_large_worlds_have_links(config: SimulatorConfig) -> None:
    population = Population(config)

    assert population.link_at(0).note_id
    assert population.link_at(2**18 - 1).note_id


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"notes": 0}, "notes must be at least 1"),
        ({"partitions": 0}, "partitions must be at least 1"),
        ({"events": -1}, "events must not be negative"),
        ({"days": 0}, "days must be above 0"),
        ({"days": 366}, "days must be above 0"),
    ],
)
def test_impossible_configurations_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SimulatorConfig(**wrong)


def test_more_trouble_than_there_are_facts_is_refused() -> None:
    with pytest.raises(ValueError, match="together exceed 1"):
        Mix(repeated=0.6, conflicting=0.6)


def test_rewordings_say_the_same(ordinary: tuple[list[Outgoing], Truth]) -> None:
    reworded = [record for record in ordinary[0] if b"x_trace" in (record.value or b"")]

    assert reworded
    assert all(record.key and record.key in (record.value or b"") for record in reworded)
