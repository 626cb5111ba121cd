"""A stall is work that waits while nothing hinders and nothing gets done; trouble is something else."""

from collections.abc import Sequence
from itertools import count

import pytest

from app.health.stalls import Stalls
from app.health.view import LaneView, WorkerView
from tests.unit.worker_views import lane, worker

STALL_S = 10
BEHIND = {"order": 5}
TURNS = 30  # of a second


def found(lanes: Sequence[LaneView], **fields: object) -> list[tuple[str, int | None]]:
    """What is found after the worker looked like each of `lanes` in turn, a second each."""
    stalls = Stalls(STALL_S)
    for now_s, one in enumerate(lanes):
        last = stalls.look(now_s, worker(one, at_s=now_s, **fields))
    return [(stall.what, stall.lane) for stall in last]


GROWING = range(TURNS)
STORIES: list[tuple[str, list[LaneView], str | None]] = [
    ("nothing to do is no stall", [lane()] * TURNS, None),
    ("records wait and nothing is done", [lane(3, lag=BEHIND)] * TURNS, "records wait"),
    ("records wait for less than is allowed", [lane(lag=BEHIND)] * STALL_S, None),
    ("records wait and batches go through", [lane(lag=BEHIND, steps=step) for step in GROWING], None),
    ("a batch in between begins the time anew",
     [*[lane(lag=BEHIND)] * STALL_S, *[lane(lag=BEHIND, steps=1)] * STALL_S], None),
    ("being idle in between begins the time anew",
     [*[lane(lag=BEHIND)] * STALL_S, lane(), *[lane(lag=BEHIND)] * STALL_S], None),
    ("a lane that waits for a person", [lane(lag=BEHIND, state="stopped")] * TURNS, None),
    ("take-overs that fail again and again", [lane(state="taking_over", steps=step) for step in GROWING], None),
    ("a take-over of which nothing is heard", [lane(3, state="taking_over")] * TURNS, "nothing is heard"),
    ("a silent replay that stands still", [lane(3, state="replaying", replay_left=9)] * TURNS, "records wait"),
    ("a silent replay that goes on",
     [lane(state="replaying", replay_left=99 - step, steps=step) for step in GROWING], None),
    ("results wait and none leaves", [lane(3, outbox=2, steps=step) for step in GROWING], "results wait"),
    ("results wait and some leave", [lane(outbox=2, sent=step) for step in GROWING], None),
]  # fmt: skip


@pytest.mark.parametrize(("lanes", "what"), [story[1:] for story in STORIES], ids=[story[0] for story in STORIES])
def test_a_lane_is_stalled_if(lanes: list[LaneView], what: str | None) -> None:
    stalls = found(lanes)

    assert [number for _, number in stalls] == ([] if what is None else [3])
    assert all(told.startswith(what or "") for told, _ in stalls)


@pytest.mark.parametrize("server", ["kafka", "redis"])
def test_waiting_for_a_server_that_is_away_is_no_stall(server: str) -> None:
    assert found([lane(lag=BEHIND)] * TURNS, **{server: "does not answer"}) == []


def test_a_server_that_comes_back_gives_its_lanes_the_whole_time() -> None:
    stalls = Stalls(STALL_S)
    for now_s in range(100):
        stalls.look(now_s, worker(lane(lag=BEHIND), at_s=now_s, kafka="does not answer"))

    assert [stalls.look(now_s, worker(lane(lag=BEHIND), at_s=now_s)) for now_s in range(100, 111)] == [[]] * 11
    assert stalls.look(111, worker(lane(lag=BEHIND), at_s=111)) != []


def test_an_event_loop_that_does_not_turn_is_a_stall_even_without_lanes() -> None:
    stalls = Stalls(STALL_S)
    silent = WorkerView(at_s=0)
    seen = [stalls.look(now_s, silent) for now_s in range(12)]

    assert seen[:-1] == [[]] * 11
    assert [(stall.what, stall.lane) for stall in seen[-1]] == [("the event loop does not turn", None)]


def test_a_process_that_was_suspended_as_a_whole_is_given_the_time_anew() -> None:
    stalls = Stalls(STALL_S)
    clock = count()
    for now_s in (next(clock) for _ in range(5)):
        stalls.look(now_s, worker(lane(lag=BEHIND), at_s=now_s))

    assert stalls.look(3_600, worker(lane(lag=BEHIND), at_s=4)) == []
    assert stalls.look(3_601, worker(lane(lag=BEHIND), at_s=4)) == []
