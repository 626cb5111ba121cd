"""People are told of an alert when it fires, while it lasts and when it ends, unless they asked not to be."""

from typing import Any

import msgspec
import pytest

from app.alerts.life import Life, Moment, step
from app.alerts.model import Verdict
from app.alerts.notices import MOST_WAITING, About, Notices, delivered, due
from app.alerts.requests import NOTHING_ASKED, Acknowledgement, Requests, Silence, new_silence, read_requests
from app.alerts.rules import QuietHours, Rules
from streams.errors import Misconfigured
from tests.unit.alert_moments import MINUTE_MS, PLACES, RULES, at, lasting, verdict


class Asking:
    """What is asked for, from a minute on."""

    def __init__(self) -> None:
        self.silences: list[tuple[int, Silence]] = []
        self.acknowledged_at: int | None = None

    def at(self, minute: int, life: Life) -> Requests:
        known = {} if self.acknowledged_at is None or minute < self.acknowledged_at else life.alerts
        return Requests(
            {one.silence_id: one for first, one in self.silences if minute >= first},
            {alert_id: Acknowledgement(alert_id=alert_id, at_ms=0) for alert_id in known},
        )


def told(
    said: list[Verdict], minutes: int, asking: Asking | None = None, rules: Rules = RULES
) -> list[tuple[int, str, str]]:
    """Minute, event and place of every notice; each is taken at once."""
    life, notices, heard = Life(), Notices(), list[tuple[int, str, str]]()
    for minute in range(minutes + 1):
        life, records = step(life, Moment(at(minute), [one for one in said if one.at_ms == at(minute)], PLACES), rules)
        ended = [record for record in records if record.state == "resolved"]
        asked = asking.at(minute, life) if asking else NOTHING_ASKED
        notices = due(notices, life, ended, asked, About(rules, PLACES))
        heard += [(minute, one.event, one.record.id) for one in notices.waiting.values()]
        notices = delivered(notices, set(notices.waiting))
    assert set(notices.told) <= set(life.alerts)
    return heard


def silence(first: int, last: int, scope: str = "*", rule: str = "*") -> tuple[int, Silence]:
    fields: dict[str, Any] = {"silence_id": "s1", "rule": rule, "scope": scope, "made_ms": 0, "until_ms": at(last)}
    return first, Silence(**fields)


LASTING = lasting("j1", 1, 150)  # fires at 3, is resolved at 156; entries-lost is repeated every hour


def test_an_alert_is_told_when_it_fires_every_hour_and_when_it_ends() -> None:
    assert told(LASTING, 160) == [
        (3, "firing", "j1"), (63, "repeated", "j1"), (123, "repeated", "j1"), (156, "resolved", "j1"),
    ]  # fmt: skip


def test_what_never_fired_is_not_told() -> None:
    assert told(lasting("j1", 1, 2), 20) == []


def test_what_becomes_part_of_a_larger_alert_is_not_told_to_be_over() -> None:
    said = [*lasting("j1", 1, 20), *lasting("jd", 10, 20)]

    assert told(said, 40) == [(3, "firing", "j1"), (12, "firing", "jd"), (26, "resolved", "jd")]


def test_an_acknowledged_alert_is_not_repeated_but_its_end_is_told() -> None:
    asking = Asking()
    asking.acknowledged_at = 10

    assert told(LASTING, 160, asking) == [(3, "firing", "j1"), (156, "resolved", "j1")]


def test_what_was_acknowledged_while_it_was_pending_is_not_told_at_all() -> None:
    asking = Asking()
    asking.acknowledged_at = 2

    assert told(LASTING, 160, asking) == []


@pytest.mark.parametrize("scope", ["note:j1", "note:j*", "platform:jd", "*"])
def test_a_silenced_alert_is_told_when_the_silence_is_over(scope: str) -> None:
    asking = Asking()
    asking.silences = [silence(0, 50, scope)]

    assert told(LASTING, 60, asking) == [(50, "firing", "j1")]


@pytest.mark.parametrize(("scope", "rule"), [("note:t1", "*"), ("platform:taobao", "*"), ("*", "orders-lost")])
def test_a_silence_of_something_else_changes_nothing(scope: str, rule: str) -> None:
    asking = Asking()
    asking.silences = [silence(0, 50, scope, rule)]

    assert told(LASTING, 60, asking) == [(3, "firing", "j1")]


def test_an_end_in_a_silence_is_told_after_it() -> None:
    asking = Asking()
    asking.silences = [silence(10, 170)]

    assert told(LASTING, 180, asking) == [(3, "firing", "j1"), (170, "resolved", "j1")]


def test_in_quiet_hours_only_what_is_severe_enough_is_told_the_rest_after_them() -> None:
    # The stories begin at midnight in Shanghai.
    hours = [QuietHours(start="23:00", end="00:30", severities=["info", "warning"])]
    quiet = msgspec.structs.replace(RULES, quiet_hours=hours)
    said = [*lasting("j1", 1, 40), *lasting("t1", 1, 40, "orders-lost")]

    assert told(said, 40, rules=quiet) == [(3, "firing", "j1"), (30, "firing", "t1")]


def test_what_an_inhibited_alert_would_say_waits() -> None:
    said = [*lasting("j1", 1, 90), *lasting("topic:shop-entry", 50, 80, "feed-silent")]

    # Until the feed is resolved: what it still has to tell may come.
    assert told(said, 86) == [
        (3, "firing", "j1"), (50, "firing", "shop-entry"), (86, "repeated", "j1"), (86, "resolved", "shop-entry"),
    ]  # fmt: skip


def test_notices_wait_until_they_are_taken_and_not_without_limit() -> None:
    said = [verdict(0, f"x{number}", rule="orders-lost") for number in range(700)]
    life, _ = step(Life(), Moment(at(0), said, PLACES), RULES)
    life, _ = step(life, Moment(at(3), [], PLACES), RULES)
    notices = due(Notices(), life, [], NOTHING_ASKED, About(RULES, PLACES))
    first = next(iter(notices.waiting))

    assert len(notices.waiting) == MOST_WAITING
    assert first not in delivered(notices, {first}).waiting
    assert msgspec.json.decode(msgspec.json.encode(notices), type=Notices) == notices


@pytest.mark.parametrize(
    ("scope", "until_ms", "message"),
    [("shop:1", 2, "KIND:ID"), ("note", 2, "KIND:ID"), ("note:", 2, "KIND:ID"), ("note:1", 1, "ends after")],
)
def test_a_silence_that_would_never_hold_is_refused(scope: str, until_ms: int, message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        new_silence(rule="*", scope=scope, until_ms=until_ms, made_ms=1, by="", why="")


def test_requests_that_cannot_be_read_are_left_out() -> None:
    made = new_silence(rule="r", scope="note:1", until_ms=MINUTE_MS, made_ms=1, by="x" * 900, why="")
    asked = read_requests({"a": msgspec.json.encode(made), "b": b"{"}, {"c": b"[]"})

    assert list(asked.silences.values()) == [made]
    assert len(made.by) == 500
    assert asked.acknowledged == {}
