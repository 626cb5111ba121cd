"""The batch evaluation itself: against stories worked out by hand, and against itself in other orders."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from tests.behaviour.bad_records import DELIVERED, Delivered
from tests.behaviour.builders import Story, click, entry, identity, metric, named, paid
from tests.behaviour.stories import STORIES
from tests.generators.policies import DEFAULT_POLICY
from tests.generators.records import Written, numbered
from tests.oracle.counters import Cell, Refused
from tests.oracle.evaluation import Evaluation, evaluate
from tests.oracle.intake import Invalid, Record, read
from tests.oracle.ledger import DeadLetter
from tests.oracle.placement import murmur2, partition_of, with_forwarded

PARTITIONS = 4


def delivered(written: Sequence[Written]) -> list[Record]:
    """The records in their own partitions, in this order."""
    return numbered([Record(one.topic, partition_of(one.key, PARTITIONS), 0, one.key, one.value) for one in written])


def assert_tells(story: Story, evaluation: Evaluation) -> None:
    """Everything that the story expects, and no note, result or void identity more."""
    assert evaluation.notes == story.counters
    assert evaluation.results.keys() == {identity(name) for name in story.results}
    for name, wanted in story.results.items():
        assert named(evaluation.results[identity(name)], wanted) == wanted
    assert evaluation.superseded == {identity(name) for name in story.superseded}
    assert {event_id: evaluation.refusals["t1", event_id] for event_id in story.refusals} == story.refusals
    for topic, wanted in story.topics.items():
        assert named(evaluation.ledger["topics"][topic], wanted) == wanted
    assert evaluation.ledger["seen"] == story.seen


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_ends_as_told_in_any_order(story: Story) -> None:
    records = list(story.records)
    assert_tells(story, evaluate(delivered(records), story.policies, partitions=PARTITIONS))
    assert_tells(story, evaluate(delivered(records[::-1]), story.policies, partitions=PARTITIONS))
    random.Random(story.name).shuffle(records)
    assert_tells(story, evaluate(delivered(records), story.policies[::-1], partitions=PARTITIONS))


def test_no_two_stories_have_one_name() -> None:
    assert [name for name, times in Counter(story.name for story in STORIES).items() if times > 1] == []


@pytest.mark.parametrize("record", DELIVERED, ids=lambda record: record.name)
def test_a_record_at_the_door_is_good_or_has_its_code(record: Delivered) -> None:
    said = read(Record(record.topic, 0, 0, record.key, record.value))
    assert (said.code if isinstance(said, Invalid) else None) == record.code


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"", 275646681),
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_hashes_as_the_java_client_does(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected % 2**32


def test_counters_stand_in_the_cell_of_the_click() -> None:
    records = delivered([click(campaign_id="c1"), click("k", at=2, merchant_id="m2"), paid(at=1)])
    cells = evaluate(records, [DEFAULT_POLICY], partitions=PARTITIONS).cells
    common = ("tmall", "fmcg.skincare", "note", "ad")
    assert cells == {
        Cell("n1", "c1", "m1", *common): {
            "clicks": 1,
            "orders": 1,
            "clicks_ordered": 1,
            "gross_minor": {"CNY": 100},
        },
        Cell("n1", None, "m2", *common): {"clicks": 1, "clicks_repeated": 1},
    }


def test_refused_facts_are_counted_by_nearest_note_kind_and_reason() -> None:
    records = delivered([click(), entry(at=-1), entry(at=-2), paid(at=-1), entry(at=0, token="t2")])
    evaluation = evaluate(records, [DEFAULT_POLICY], partitions=PARTITIONS)
    assert evaluation.refused == {
        Refused("n1", "entry", "before_click"): 2,
        Refused("n1", "order", "before_click"): 1,
        Refused(None, "entry", "no_click"): 1,
    }
    assert evaluation.ledger["outcomes"] == {
        "entry": {"refused/before_click": 2, "refused/no_click": 1},
        "order": {"refused/before_click": 1},
    }


def test_a_misplaced_record_counts_as_forwarded_and_again_where_it_belongs() -> None:
    good, at_home = entry(at=1), partition_of(b"t1", PARTITIONS)
    elsewhere = (at_home + 1) % PARTITIONS
    records = [
        *delivered([click()]),
        Record("shop-entry", elsewhere, 7, good.key, good.value),
        Record("shop-entry", elsewhere, 8, b"t1", b"{}"),
        Record("shop-entry", at_home, 3, good.key, good.value),
    ]
    everything = with_forwarded(records, PARTITIONS)
    assert everything == [*records, Record("shop-entry", at_home, 4, good.key, good.value)]
    evaluation = evaluate(everything, [DEFAULT_POLICY], partitions=PARTITIONS)
    assert evaluation.ledger["topics"]["shop-entry"] == {
        "consumed": 4,
        "distinct": 1,
        "duplicates": 1,
        "conflicts": 0,
        "invalid": {"missing_field": 1},
        "forwarded": 1,
    }
    assert evaluation.dead_letters == [DeadLetter("shop-entry", elsewhere, 8, "missing_field")]
    assert evaluation.ledger["outcomes"] == {"entry": {"credited/": 1}}


def test_without_its_copy_a_misplaced_record_is_no_fact() -> None:
    record = delivered([entry(at=1)])[0]
    records = [record._replace(partition=(record.partition + 1) % PARTITIONS)]
    assert evaluate(records, [DEFAULT_POLICY], partitions=PARTITIONS).results == {}


def test_a_full_journey_takes_no_new_content_but_still_its_duplicates() -> None:
    records = delivered(
        [
            click("k"),
            click("k", note="n2"),
            entry("a", at=1),
            entry("b", at=1),
            entry("a", at=1),
            metric(at=1),
            metric(at=2),
        ]
    )
    evaluation = evaluate(records, [DEFAULT_POLICY], partitions=PARTITIONS, longest_journey=3)
    assert {name for _, name in evaluation.results} == {"entry:a"}
    assert [(letter.offset, letter.code) for letter in evaluation.dead_letters] == [(1, "token_overflow")]
    assert evaluation.ledger["topics"]["shop-entry"] == {
        "consumed": 3,
        "distinct": 1,
        "duplicates": 1,
        "conflicts": 0,
        "invalid": {"token_overflow": 1},
        "forwarded": 0,
    }
    assert evaluation.ledger["topics"]["note-metric"]["absorbed"] == 2


def test_a_journey_holds_1024_distinct_records() -> None:
    records = delivered([click(), *(entry(at=at) for at in range(1_024))])
    evaluation = evaluate(records, [DEFAULT_POLICY], partitions=PARTITIONS)
    assert evaluation.notes == {"n1": {"clicks": 1, "entries": 1_023, "clicks_entered": 1}}
    assert [letter.code for letter in evaluation.dead_letters] == ["token_overflow"]
