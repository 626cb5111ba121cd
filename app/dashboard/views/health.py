"""How the system is: lanes, policies, the ledger and what could not be counted."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from app.dashboard.numbers import NONE, Numbers
from app.dashboard.parts import Row, Table, element, panel, text
from app.dashboard.texts import Texts

INVALID: Final = ":invalid/"
CODES: Final = ("too_large", "not_json", "missing_field", "bad_field", "key_mismatch", "token_overflow", "internal")


class LaneState(NamedTuple):
    """A lane as it stands; `behind_ms` is from its newest record's time to now, None before its first one."""

    lane: int
    metric: bool
    commits: int
    absorbed: int
    waiting: int  # commits whose results may not be published yet
    parked: int
    policies: Sequence[int]
    behind_ms: int | None
    behind: int | None  # records that wait in Kafka, None when no worker tells


class PolicyState(NamedTuple):
    """A policy of the namespace; `state` is one of the texts' `policy_states`."""

    version: int
    from_ms: int
    state: str
    model: str
    windows: Mapping[str, str]  # by stage, as the policy spells them
    lead: str


class Health(NamedTuple):
    """What the view shows; the ledger by its lines, summed over the lanes."""

    lanes: Sequence[LaneState]
    policies: Sequence[PolicyState]
    ledger: Mapping[str, int]
    at_ms: int


class HealthView:
    """Built once; `show` puts in the numbers."""

    def __init__(self, texts: Texts, numbers: Numbers) -> None:
        self._texts, self._numbers = texts, numbers
        self._before: Health | None = None
        with element("div", "grid"):
            with panel(texts.lanes, "", texts.lanes_how):
                self._lanes = Table(tuple(texts.lane_columns.values()), texts.lanes, save=texts.csv)
            with panel(texts.ledger, "w6"):
                self._ledger = Table(tuple(texts.ledger_columns.values()), texts.ledger, save=texts.csv)
            with panel(texts.dead_letters, "w6"):
                self._dead = Table((texts.ledger_columns["topic"], *CODES), texts.dead_letters, save=texts.csv)
                self._said = text("", "quiet small", tag="p")
            with panel(texts.policies):
                self._policies = Table(tuple(texts.policy_columns.values()), texts.policies, save=texts.csv)

    def show(self, health: Health) -> None:
        """Put in what is so at this moment."""
        before = {} if self._before is None else {lane.lane: lane for lane in self._before.lanes}
        seconds = 0.0 if self._before is None else (health.at_ms - self._before.at_ms) / 1000
        self._lanes.show([self._lane(lane, before.get(lane.lane), seconds) for lane in health.lanes])
        self._ledger.show(self._topics(health.ledger))
        dead = sorted({line.partition(INVALID)[0] for line in health.ledger if INVALID in line})
        self._dead.show([self._letters(topic, health.ledger) for topic in dead])
        self._said.set_text(self._texts.dead_letters_how if dead else self._texts.no_dead_letters)
        self._policies.show([self._policy(policy) for policy in health.policies])
        self._before = health

    def _lane(self, lane: LaneState, before: LaneState | None, seconds: float) -> Row:
        numbers = self._numbers
        kind = self._texts.lane_kinds["metric" if lane.metric else "token"]
        rate = NONE if before is None or seconds <= 0 else f"{(lane.commits - before.commits) / seconds:.1f}"
        late = NONE if lane.behind_ms is None else numbers.span(max(0, lane.behind_ms))
        behind = NONE if lane.behind is None else numbers.count(lane.behind)
        counts = (numbers.count(lane.waiting), numbers.count(lane.parked))
        policies = ", ".join(map(str, lane.policies)) or NONE
        name = kind.format(lane=lane.lane)
        return Row(
            (name, numbers.count(lane.commits), rate, numbers.count(lane.absorbed), behind, late, *counts, policies)
        )

    def _topics(self, ledger: Mapping[str, int]) -> list[Row]:
        """Every record consumed stands in one column; the last one is what does not, and has to be 0."""
        rows = []
        for topic in sorted({line.partition(":")[0] for line in ledger if line.endswith(":consumed")}):
            consumed = ledger.get(f"{topic}:consumed", 0)
            distinct = ledger.get(f"{topic}:distinct", 0) + ledger.get(f"{topic}:absorbed", 0)
            invalid = sum(count for line, count in ledger.items() if line.startswith(f"{topic}{INVALID}"))
            duplicates, forwarded = ledger.get(f"{topic}:duplicates", 0), ledger.get(f"{topic}:forwarded", 0)
            left = consumed - distinct - duplicates - invalid - forwarded
            counts = map(self._numbers.count, (consumed, distinct, duplicates, invalid, forwarded, left))
            rows.append(Row((topic, *counts), tone="bad" if left else ""))
        return rows

    def _letters(self, topic: str, ledger: Mapping[str, int]) -> Row:
        return Row((topic, *(self._numbers.count(ledger.get(f"{topic}{INVALID}{code}", 0)) for code in CODES)))

    def _policy(self, policy: PolicyState) -> Row:
        texts = self._texts
        since = self._numbers.moment(policy.from_ms) if policy.from_ms else texts.from_the_beginning
        state = texts.policy_states[policy.state]
        windows = " · ".join(f"{texts.kinds[stage]} {text}" for stage, text in policy.windows.items())
        return Row((str(policy.version), since, state, policy.model, windows, policy.lead))
