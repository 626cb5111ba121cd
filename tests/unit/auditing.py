"""Journeys to audit, and what is wrong with them in short."""

from typing import Any

from app.auditing.problems import Problems
from app.auditing.recount import Counted
from app.auditing.sums import Sums, tally_of
from app.policies.file import read_policies
from streams.core.credit import outcomes
from streams.core.facts import Click, Entry
from streams.core.journey import Journey
from streams.core.terms import PolicySet
from streams.rollups import HOUR_MS

POLICIES = PolicySet(read_policies(None))
AT_MS = 1_790_000_000_000
HOUR = AT_MS // HOUR_MS
CLICK = Click("t1", "c1", AT_MS, "n1", "ad", "note", "tmall", "m1", "fmcg.skincare")
ENTRY = Entry("t1", "e1", AT_MS + 1, "tmall", "m1")


def told_of(problems: Problems) -> list[tuple[Any, ...]]:
    """Each problem's kind, place and numbers."""
    return [(one.kind, *(value for _, value in one.place), one.found, one.expected) for one in problems]


def journey_of(*facts: Click | Entry) -> Journey:
    """The journey of these facts."""
    journey = Journey()
    for fact in facts:
        journey.absorb(fact)
    return journey


def counted(*facts: Click | Entry) -> Counted:
    """A journey of token t1, judged."""
    return Counted("t1", 0, outcomes(journey_of(*facts), POLICIES))


def summed_up(*facts: Click | Entry) -> Sums:
    """The sums of one journey; its click's hour is the one that is looked at."""
    sums = Sums(range(HOUR, HOUR + 1))
    sums.take(tally_of(journey_of(*facts), counted(*facts).outcomes))
    return sums
