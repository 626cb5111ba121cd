"""What all signals need to know about the step that they evaluate."""

from typing import NamedTuple

from app.alerts.model import Mask


class Step(NamedTuple):
    """A step of time, which ends now."""

    at_min: float
    minutes: float
    hour: int  # of the week, in Shanghai
    hours: float  # the same with the part of the hour that is over
    new_hour: bool  # whether the hour began in this step
    held: Mask  # scopes whose shops' facts are late, so that they cannot be judged now
    disturbed: bool  # nothing can: counters are being rebuilt, or all is late; then all scopes are held too
    learning: bool  # nothing is judged yet
    promotion_min: float | None  # when the promotion began that is on
    unsettled: bool  # a promotion has just begun or ended
