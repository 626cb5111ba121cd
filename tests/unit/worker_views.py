"""Workers as the survey sees them; a test names only what it is about."""

from typing import Any

from app.health.view import LaneView, WorkerView


def lane(number: int = 0, **fields: Any) -> LaneView:
    """A lane that serves and has nothing to do."""
    idle = LaneView(
        number=number,
        state="serving",
        trouble=None,
        positions={"order": 7},
        lag={"order": 0},
        event_lag_s=0.0,
        commit_lag_s=0.0,
        outbox=0,
        credit=2,
        restating=False,
        replay_left=0,
        steps=0,
        sent=0,
    )
    return idle._replace(**fields)


def worker(*lanes: LaneView, at_s: float = 0.0, **fields: Any) -> WorkerView:
    """A worker that has joined, with its servers there."""
    return WorkerView(at_s=at_s, lanes=lanes, joined=True, slack_s=86_400.0)._replace(**fields)
