"""How long records have waited is told from when Kafka's ends were seen ahead of the lane."""

from app.health.lag import MOST_SIGHTINGS, Waiting


def test_a_lane_at_the_ends_has_nothing_that_waits() -> None:
    waiting = Waiting()

    waiting.see(1, {"order": 5}, {"order": 5})

    assert waiting.seconds(9, {"order": 5}) == 0
    assert waiting.records({"order": 5}) == {"order": 0}


def test_records_wait_from_when_they_were_first_seen_until_the_lane_has_passed_them() -> None:
    waiting = Waiting()
    waiting.see(1, {"order": 5, "click-out": 3}, {"order": 5})
    waiting.see(2, {"order": 9, "click-out": 3}, {"order": 5})

    assert waiting.records({"order": 5}) == {"order": 4, "click-out": 3}
    assert waiting.seconds(10, {"order": 5}) == 9
    assert waiting.seconds(10, {"order": 8, "click-out": 3}) == 8
    assert waiting.seconds(10, {"order": 9, "click-out": 3}) == 0


def test_a_lane_that_keeps_a_steady_distance_waits_as_long_as_that_takes() -> None:
    waiting = Waiting()
    for now in range(100):
        waiting.see(now, {"order": 10 * now}, {"order": 10 * now - 50})

        assert waiting.seconds(now, {"order": 10 * now - 50}) <= 5

    assert waiting.seconds(99, {"order": 10 * 99 - 50}) == 4


def test_a_long_wait_takes_little_memory_and_keeps_its_beginning() -> None:
    waiting = Waiting()
    for now in range(100_000):
        waiting.see(now, {"order": now + 1}, {})

    assert len(waiting._ahead) <= MOST_SIGHTINGS
    assert waiting.seconds(100_000, {}) == 100_000
