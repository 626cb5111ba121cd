"""Where records may be copied to, and from where on, before Kafka is asked."""

import re

import pytest
from aiokafka import TopicPartition

from app.settings import Settings
from app.topic_copy.offsets import Extent, require_beginning, require_empty, require_kept
from app.topic_copy.route import route
from streams.errors import Misconfigured

SOURCE = Settings(topic_prefix="v1.", group="redcat", partitions=4, shards=4)
ORDER, CLICK = TopicPartition("order", 0), TopicPartition("click-out", 1)


@pytest.mark.parametrize(
    ("to", "problem"),
    [
        ({"prefix": "v1."}, "--to-prefix must be another one"),
        ({"group": "redcat"}, "--to-group must be another one"),
        ({"prefix": "a b"}, "the target does not do: REDCAT_TOPIC_PREFIX"),
    ],
)
def test_a_target_is_another_namespace(to: dict[str, str], problem: str) -> None:
    with pytest.raises(Misconfigured, match=problem):
        route(SOURCE, **({"prefix": "v2.", "group": "redcat-v2"} | to), partitions=2)


def test_a_target_may_have_fewer_partitions_than_the_source_has_shards() -> None:
    assert route(SOURCE, prefix="", group="redcat-v2", partitions=2).target.partitions == 2


@pytest.mark.parametrize(
    ("position", "extent", "problem"),
    [
        (0, Extent(3, 9, 9), "partition 0 of topic order begin later"),
        (10, Extent(3, 9, 9), "more was copied than is there"),
    ],
)
def test_nothing_is_passed_over_in_silence(position: int, extent: Extent, problem: str) -> None:
    with pytest.raises(Misconfigured, match=re.escape(problem)):
        require_beginning({ORDER: position}, {ORDER: extent}, from_earliest=False)


@pytest.mark.parametrize(("position", "start"), [(0, 3), (3, 3), (9, 9)])
def test_where_it_is_asked_for_a_copy_begins_with_what_is_left(position: int, start: int) -> None:
    assert require_beginning({ORDER: position}, {ORDER: Extent(3, 9, 9)}, from_earliest=True) == {ORDER: start}


def test_a_target_that_others_filled_or_emptied_is_refused() -> None:
    found, names = {ORDER: Extent(0, 0, 0), CLICK: Extent(0, 2, 2)}, {ORDER: "order", CLICK: "click-out"}

    with pytest.raises(Misconfigured, match=r"partition 1 of topic click-out\. Choose another one, or say --force"):
        require_empty(found)
    with pytest.raises(Misconfigured, match="records were copied into order of the target and nothing is there"):
        require_kept({"order": 1, "click-out": 2}, found, names)
    require_kept({"order": 0, "click-out": 1}, found, names)
