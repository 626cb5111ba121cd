"""Which click earns a fact, or how far the clicks came that did not."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tests.oracle.intake import Fields
from tests.oracle.policy import Document, in_force, lead_ms, refusal, window_ms

FURTHER_AND_FURTHER = ("other_shop", "before_click", "window_passed", "click_refused")


def moment(fields: Fields) -> tuple[int, str]:
    """What "earliest", "latest" and "greatest" compare: the time, then the event id."""
    return fields["at_ms"], fields["event_id"]


@dataclass(frozen=True, eq=False)
class Click:
    """A click-out under the policy that was in force when it happened."""

    fields: Fields
    policy: Document

    @cached_property
    def refusal(self) -> str | None:
        """Why it is refused, or None: only an accepted click is ever credited."""
        return refusal(self.policy, self.fields)


class Credit(NamedTuple):
    """Either the winner, or the reason why there is none and the nearest click, if there is any click at all."""

    winner: Click | None
    reason: str | None
    nearest: Click | None


def clicks_of(clicks: Sequence[Fields], policies: Sequence[Document]) -> list[Click]:
    """Each click with the policy of its own time."""
    return [Click(fields, in_force(policies, fields["at_ms"])) for fields in clicks]


def shortfall(click: Click, fact: Fields, stage: str) -> str | None:
    """The first test that the click fails for this fact; None: the click is a candidate."""
    if (click.fields["platform"], click.fields["merchant_id"]) != (fact["platform"], fact["merchant_id"]):
        return "other_shop"
    if fact["at_ms"] < click.fields["at_ms"] - lead_ms(click.policy, click.fields):
        return "before_click"
    if fact["at_ms"] >= click.fields["at_ms"] + window_ms(click.policy, click.fields, stage):
        return "window_passed"
    if click.refusal is not None:
        return "click_refused"
    return None


def credit(clicks: Sequence[Click], fact: Fields, stage: str) -> Credit:
    """The greatest candidate gets all the credit; without one the greatest of those that came furthest is nearest."""
    candidates = [click for click in clicks if shortfall(click, fact, stage) is None]
    if candidates:
        return Credit(_greatest(candidates), None, None)
    for reason in reversed(FURTHER_AND_FURTHER):
        equally_far = [click for click in clicks if shortfall(click, fact, stage) == reason]
        if equally_far:
            return Credit(None, reason, _greatest(equally_far))
    return Credit(None, "no_click", None)


def _greatest(clicks: Sequence[Click]) -> Click:
    return max(clicks, key=lambda click: moment(click.fields))
