"""A journey: all facts of one token, as a set, so that order and repetition cannot matter."""

from typing import Literal, TypeAlias

import msgspec

from streams.core.facts import Action, Click, Entry, Fact, Step, standing

MAX_CONTENTS = 1024

Absorbed: TypeAlias = Literal["distinct", "duplicates", "conflicts", "overflow"]


class Journey(msgspec.Struct):
    """The standing facts of a token by event id, and the contents that lost a conflict."""

    clicks: dict[str, Click] = {}
    entries: dict[str, Entry] = {}
    actions: dict[str, Action] = {}
    steps: dict[str, Step] = {}
    lost: list[Fact] = []

    def absorb(self, fact: Fact) -> Absorbed:
        """Add a fact and say what it was; a full journey takes no new content."""
        facts = self._like(fact)
        known = facts.get(fact.event_id)
        if known is None:
            if self.full():
                return "overflow"
            facts[fact.event_id] = fact
            return "distinct"
        if known == fact or fact in self.lost:
            return "duplicates"
        if self.full():
            return "overflow"
        facts[fact.event_id], loser = standing(known, fact)
        self.lost.append(loser)
        return "conflicts"

    def knows(self, fact: Fact) -> bool:
        """Whether this very content is here, be it that it lost."""
        return self._like(fact).get(fact.event_id) == fact or fact in self.lost

    def full(self) -> bool:
        """Whether as many distinct contents are known, those that lost included, as a journey may hold."""
        contents = len(self.clicks) + len(self.entries) + len(self.actions) + len(self.steps) + len(self.lost)
        return contents >= MAX_CONTENTS

    def _like(self, fact: Fact) -> dict[str, Fact]:
        kind = fact.__class__
        if kind is Click:
            return self.clicks  # type: ignore[return-value]
        if kind is Entry:
            return self.entries  # type: ignore[return-value]
        if kind is Action:
            return self.actions  # type: ignore[return-value]
        return self.steps  # type: ignore[return-value]
