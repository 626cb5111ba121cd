"""The policies of a lane: which are in force, since they entered one after the other, and what that asks for."""

from collections.abc import Iterable
from typing import Final

from streams.commits import Clicks, LaneState
from streams.core.facts import Click
from streams.core.policy import Policy
from streams.core.terms import PolicySet
from streams.errors import Unavailable
from streams.policy_book import PolicyBook
from streams.records import Marker

IMPLAUSIBLE_MS: Final = 3_600_000  # a click dated further ahead of the wall clock says nothing about the present


class LanePolicies:
    """Policies in force in a lane; a lane without state begins under all that its worker knows."""

    def __init__(self, book: PolicyBook, state: LaneState) -> None:
        self._book = book
        self.versions: list[int] = []  # in the order in which they entered
        self.restating = state.restating
        self.clicks = state.clicks
        self._use(state.policies or book.versions)

    @property
    def sets(self) -> list[PolicySet]:
        """[n - 1]: the set of the first n."""
        return self._book.sets(self.versions)

    def news(self) -> list[int]:
        """Versions that the worker knows and that have not entered."""
        return self._new(self._book.versions)

    def enter(self, versions: list[int]) -> None:
        """Let policies enter; journeys are to be restated if these say something about them."""
        if self._concerned(versions):
            self.restating = self.restating or "changes"
        self._use(self.versions + versions)

    def take_over(self, state: LaneState, marker: Marker) -> bool:
        """After a rollback: use the policies under which the results were computed that readers have seen.

        Returns whether the lane's state does not say so yet.  If readers have seen a restatement under way, or the end
        of one that is still due here, or if the store knows policies that they do not, nobody can tell which journeys
        they saw under which: all results are told again.
        """
        self._require([*state.policies, *marker.policies])
        self.versions = state.policies or marker.policies
        news = self._new(marker.policies)
        unseen = set(self.versions) - set(marker.policies)
        if self.restating or marker.restating or unseen or self._concerned(news):
            self.restating = "all"
        self._use(self.versions + news)
        return bool(news or self.restating)

    def note(self, clicks: Iterable[Click], now_ms: int) -> None:
        """Remember the latest of the clicks absorbed."""
        times = [click.at_ms for click in clicks]
        if times and max(times) > self.clicks.plausible_ms:
            horizon_ms = now_ms + IMPLAUSIBLE_MS
            plausible = max((at_ms for at_ms in times if at_ms <= horizon_ms), default=0)
            latest_ms, plausible_ms = self.clicks
            self.clicks = Clicks(max(latest_ms, *times), max(plausible_ms, plausible))

    def _new(self, versions: Iterable[int]) -> list[int]:
        return [version for version in versions if version not in self.versions]

    def _use(self, versions: list[int]) -> None:
        self._require(versions)
        self.versions = versions

    def _require(self, versions: Iterable[int]) -> None:
        if missing := self._book.missing(versions):
            raise Unavailable(f"the lane works under policies {missing}, which this worker does not know yet")

    def _concerned(self, versions: Iterable[int]) -> bool:
        """Whether policies that have not entered say something about a click that was absorbed."""
        known = [self._book.policy(version) for version in self.versions]
        return any(reaches_back(self._book.policy(version), known, self.clicks.latest_ms) for version in versions)


def reaches_back(policy: Policy, known: Iterable[Policy], latest_click_ms: int) -> bool:
    """Whether a new policy says something about clicks up to the latest (0: there were none) that others judged.

    A policy holds from its start on; the earliest, of several at one time the greatest version, also before.
    """
    earliest = min((other.effective_from_ms for other in known), default=0)
    return latest_click_ms > 0 and policy.effective_from_ms <= max(latest_click_ms, earliest)
