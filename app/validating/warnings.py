"""What the decoder has no objection to but is probably not meant, and what may have gone wrong where it has one."""

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from app.validating.decoding import KNOWN_FIELDS, POLICY, fields_of
from app.validating.kinds import About, Kinds, Page, Warned
from app.validating.memory import Awaited, Recent
from app.validating.spelling import Spelling, alike
from streams.core.facts import Step
from streams.records import Record
from streams.topics import CLICK_OUT, ORDER, TOKEN_TOPICS

# The times that a record may tell, in milliseconds from 10^12 on and below 2^43, in other units.
_UNITS: Final = {
    "seconds": (10**9, 2**43 // 10**3),
    "microseconds": (10**15, 2**43 * 10**3),
    "nanoseconds": (10**18, 2**43 * 10**6),
}


class Watch:
    """Looks at records, with a bounded memory of those before.

    It remembers hashes: that two of a million things share one by chance is less likely than one in a million.
    """

    def __init__(self, platforms: Collection[str], examples: int) -> None:
        """`platforms` are those that the policies list."""
        self.warnings = Kinds[Warned](examples)
        self.repeated = Counter[str]()  # by topic, records that say nothing new
        self._platforms = frozenset(platforms)
        self._contents = Recent[int]()
        self._currencies = Recent[str]()
        self._tokens = Recent[int]()
        self._awaited = Awaited()
        self._spelling = Spelling()

    @property
    def forgetful(self) -> bool:
        """Whether there were too many records to remember all that matters of them."""
        return any(memory.forgetful for memory in (self._contents, self._currencies, self._tokens, self._awaited))

    def look(self, page: Page, facts: Sequence[Any], records: Sequence[Record]) -> None:
        """Look at valid facts and, in the same order, their records."""
        known = frozenset(KNOWN_FIELDS[page.topic])
        for record in records:
            fields = fields_of(record.value)
            if not known.issuperset(fields):
                self._look_at_names(page, record, fields)
        if page.topic == POLICY:
            return
        self._look_for_conflicts(page, facts, records)
        if page.topic in TOKEN_TOPICS:
            self._look_at_platforms(page, facts, records)
        if page.topic == CLICK_OUT:
            self._awaited.clicked([fact.token for fact in facts])
        if page.topic == ORDER:
            for step, record in zip(facts, records, strict=True):
                self._look_at_step(page, record, step)

    def look_at_invalid(self, page: Page, record: Record) -> None:
        """Look for what a fault may come from."""
        fields = fields_of(record.value)
        self._look_at_names(page, record, fields)
        at = fields.get("at_ms")
        if isinstance(at, int | float):
            unit = next((unit for unit, (first, end) in _UNITS.items() if first <= at < end), None)
            if unit is not None:
                self._warn(page, record, "time_unit", "at_ms", unit)

    def misplaced(self, page: Page, records: Iterable[Record]) -> None:
        """Valid records are not in the partition of their key."""
        for record in records:
            self._warn(page, record, "partition")

    def finish(self) -> None:
        """Warn of what only shows when all records are read."""
        for token, place in self._awaited.without_click():
            self.warnings.add(Warned("order", "no_click"), place, token.encode(), None)

    def _look_at_names(self, page: Page, record: Record, fields: dict[str, Any]) -> None:
        for name in fields:
            meant = self._spelling.meant(page.topic, name)
            # Where the right name stands as well, the other is just one more field that nobody reads.
            if meant and fields.get(meant) is None:
                self._warn(page, record, "spelling", name, meant)

    def _look_for_conflicts(self, page: Page, facts: Sequence[Any], records: Sequence[Record]) -> None:
        identities = [
            hash((page.topic, record.key, fact.event_id)) for fact, record in zip(facts, records, strict=True)
        ]
        for record, identity, content in zip(records, identities, map(hash, facts), strict=True):
            before = self._contents.before(identity, content)
            if before == content:
                self.repeated[page.topic] += 1
            elif before is not None:
                self._warn(page, record, "conflict")

    def _look_at_platforms(self, page: Page, facts: Sequence[Any], records: Sequence[Record]) -> None:
        unknown = {fact.platform for fact in facts} - self._platforms
        if unknown:
            meant = {platform: alike(platform, self._platforms) for platform in unknown}
            for fact, record in zip(facts, records, strict=True):
                if fact.platform in unknown:
                    self._warn(page, record, "platform", fact.platform, meant[fact.platform])

    def _look_at_step(self, page: Page, record: Record, step: Step) -> None:
        self._awaited.ordered(step.token, page, record)
        token = hash(step.token)
        if self._tokens.before(hash(step.order_id), token) not in (None, token):
            self._warn(page, record, "two_tokens")
        if step.currency is not None:
            first = self._currencies.before(hash((token, step.order_id)), sys.intern(step.currency))
            if first not in (None, step.currency):
                self._warn(page, record, "currencies", f"{first}, {step.currency}")

    def _warn(self, page: Page, record: Record, about: About, subject: str = "", meant: str = "") -> None:
        warned = Warned(page.topic, about, subject, meant)
        self.warnings.add(warned, page.place(record), record.key, record.value or b"")
