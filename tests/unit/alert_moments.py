"""Moments for stories about alerts: verdicts at minutes, in a small world of two platforms."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from app.alerts.causes import Place
from app.alerts.life import Life, Moment, step
from app.alerts.model import Metric, Scope, Verdict
from app.alerts.record import AlertRecord
from app.alerts.rules import AtLeast, Rule, Rules

T0: Final = 1_772_380_800_000
MINUTE_MS: Final = 60_000

RULES: Final = Rules(
    rules=[
        Rule(name="entries-lost", metric="entry_rate", scopes=["note", "platform", "merchant"], severity="critical",
             pending="2m", resolved_after="5m", repeat="1h", at_least=AtLeast(relative=0.4)),
        Rule(name="orders-lost", metric="order_rate", scopes=["note", "platform"], pending="2m", resolved_after="5m"),
        Rule(name="clicks-gone", metric="clicks", scopes=["platform"], resolved_after="5m"),
        Rule(name="refusals", metric="refused_share", scopes=["merchant"], direction="surge", resolved_after="5m"),
        Rule(name="feed-silent", metric="consumed", scopes=["topic"], severity="critical", resolved_after="5m"),
        Rule(name="late", metric="lateness_s", scopes=["platform"], direction="surge", resolved_after="5m"),
    ]
)  # fmt: skip


def scope(text: str) -> Scope:
    """`note:n1`, or `n1` for short; `jd` and `taobao` are platforms."""
    kind, colon, rest = text.partition(":")
    if colon:
        return msgspec.convert([kind, rest], Scope)
    return Scope("platform", text) if text in ("jd", "taobao") else Scope("note", text)


PLACES: Final[Mapping[Scope, Place]] = {
    **{
        Scope("note", f"j{n}"): Place((Scope("platform", "jd"), Scope("merchant", f"m{n % 3}")), 100) for n in range(10)
    },
    **{Scope("note", f"t{n}"): Place((Scope("platform", "taobao"), Scope("merchant", "big")), 100) for n in range(10)},
}

METRICS: Final[Mapping[str, Metric]] = {rule.name: rule.metric for rule in RULES.rules}


def verdict(minute: float, place: str, answer: str = "bad", rule: str = "entries-lost", **fields: Any) -> Verdict:
    """What a rule says: `bad`, `ok`, `doubtful` (ok, but only just) or `insufficient`."""
    direction = next(one.direction for one in RULES.rules if one.name == rule)
    relative = {"bad": -1.0, "doubtful": -0.3}.get(answer, 0.0)
    known: dict[str, Any] = {
        "rule": rule, "scope": scope(place), "metric": METRICS[rule],
        "answer": {"bad": direction, "doubtful": "ok"}.get(answer, answer),
        "observed": 0.0, "expected": 0.46, "sample": 120.0, "relative": relative, "absolute": 0.4, "evidence": 20.0,
        "needed": 15.0, "since_ms": at(minute), "at_ms": at(minute), "missing_per_hour": 50.0, "missing_low": 40.0,
        "missing_high": 60.0,
    }  # fmt: skip
    return Verdict(**known | fields)


def at(minute: float) -> int:
    return T0 + int(minute * MINUTE_MS)


def lived(said: Sequence[Verdict], *, minutes: int, life: Life | None = None, rules: Rules = RULES) -> "Story":
    """A life of so many minutes in which this was said."""
    story = Story(life or Life(), [])
    first = 0 if life is None else (life.at_ms - T0) // MINUTE_MS + 1
    for minute in range(first, minutes + 1):
        now = [one for one in said if one.at_ms == at(minute)]
        story.life, records = step(story.life, Moment(at(minute), now, PLACES), rules)
        story.records += records
    return story


class Story:
    """What came of it."""

    def __init__(self, life: Life, records: list[AlertRecord]) -> None:
        self.life = life
        self.records = records

    @property
    def told(self) -> list[tuple[int, str, str]]:
        """Minute, place and state (or the reason of the end) of each transition."""
        return [
            (
                (record.at_ms - T0) // MINUTE_MS,
                record.id,
                record.reason.split()[0] if record.state == "resolved" else record.state,
            )
            for record in self.records
        ]


def lasting(place: str, first: int, last: int, rule: str = "entries-lost", **fields: Any) -> list[Verdict]:
    """Bad from the one minute to the other, then ok, as the evaluation tells it: the one that is ok is told once."""
    bad = [verdict(minute, place, rule=rule, **fields) for minute in range(first, last + 1)]
    return [*bad, verdict(last + 1, place, "ok", rule)]
