"""What keeps a worker from being ready, each with its reason."""

import pytest

from app.health.bad_share import FEWEST_RECORDS, WINDOW_RECORDS, BadShare
from app.health.readiness import unready
from app.health.view import WorkerView
from tests.unit.worker_views import lane, worker

NOW_S = 3.0
STORIES: list[tuple[str, WorkerView, list[tuple[str, int | None]]]] = [
    ("a worker without lanes is ready", worker(), []),
    ("a worker whose lanes serve is ready", worker(lane(0), lane(1)), []),
    ("one that never heard from its group is not", worker(joined=False), [("joining", None)]),
    ("Kafka is away", worker(kafka="no answer"), [("kafka_away", None)]),
    ("Redis is away", worker(redis="no answer"), [("redis_away", None)]),
    ("topics of a lane are elsewhere", worker(waiting=("order-3",)), [("lanes_waiting", None)]),
    ("a lane waits for a person", worker(lane(2, state="stopped", trouble="x")), [("lane_stopped", 2)]),
    ("a lane is being taken over", worker(lane(1), lane(2, state="taking_over")), [("lane_taking_over", 2)]),
    ("a lane replays", worker(lane(2, state="replaying", replay_left=5)), [("lane_replaying", 2)]),
    ("half of the slack is not too long", worker(lane(commit_lag_s=50), slack_s=100), []),
    ("more than half of it is", worker(lane(2, commit_lag_s=50.1), slack_s=100), [("lane_behind", 2)]),
    ("the event loop is stuck", worker(at_s=NOW_S - 6), [("loop_stuck", None)]),
    ("several at once",
     worker(lane(1, state="taking_over"), kafka="x"), [("kafka_away", None), ("lane_taking_over", 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("view", "reasons"), [story[1:] for story in STORIES], ids=[story[0] for story in STORIES])
def test_readiness(view: WorkerView, reasons: list[tuple[str, int | None]]) -> None:
    found = unready(view._replace(at_s=view.at_s or NOW_S), NOW_S)

    assert [(reason.code, reason.lane) for reason in found] == reasons
    assert all(reason.detail for reason in found)


def test_more_bad_records_than_allowed_alarm_once_and_fewer_than_half_end_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("WARNING")
    share = BadShare(0.05)

    share.add(1_000, 50)
    assert not share.alarming

    share.add(1_000, 51)
    share.add(1_000, 60)
    assert (share.alarming, len(caplog.records)) == (True, 1)

    share.add(WINDOW_RECORDS, 0)
    assert (share.alarming, len(caplog.records)) == (False, 2)


def test_a_handful_of_records_is_no_share_to_speak_of() -> None:
    share = BadShare(0.05)

    share.add(FEWEST_RECORDS - 1, FEWEST_RECORDS - 1)
    assert not share.alarming

    share.add(1, 1)
    assert share.alarming


def test_batches_without_records_are_not_kept() -> None:
    share = BadShare(0.05)
    for _ in range(100):
        share.add(0, 0)

    assert not share._batches


def test_what_is_long_past_does_not_count() -> None:
    share = BadShare(0.05)
    share.add(100, 100)
    for _ in range(WINDOW_RECORDS):
        share.add(1, 0)

    assert share.share == 0
