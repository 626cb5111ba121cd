"""Alerts live through pending, firing and resolved, one for each cause, however verdicts are batched."""

from itertools import chain
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.alerts.life import RECENT, Life, Moment, after_pause, moments, step
from app.alerts.model import Verdict
from app.alerts.record import AlertRecord
from app.alerts.rules import Override, Rules
from app.alerts.triage import Worth
from tests.unit.alert_moments import (
    PLACES,
    RULES,
    T0,
    at,
    lasting,
    lived,
    scope,
    verdict,
)

NOTES = [f"j{number}" for number in range(10)]

STORIES: list[tuple[str, list[Verdict], list[tuple[int, str, str]]]] = [
    (
        "what lasts is pending, fires and is resolved when it was calm for long enough",
        lasting("j1", 1, 9),
        [(1, "j1", "pending"), (3, "j1", "firing"), (15, "j1", "recovered")],
    ),
    (
        "what does not last is cancelled and never fires",
        lasting("j1", 1, 2),
        [(1, "j1", "pending"), (3, "j1", "cancelled")],
    ),
    (
        "a rule without a pending time fires at once",
        lasting("jd", 1, 3, "clicks-gone"),
        [(1, "jd", "firing"), (9, "jd", "recovered")],
    ),
    (
        "what flickers while it is calm goes on as the same alert",
        [*lasting("j1", 1, 9), *lasting("j1", 12, 14)],
        [(1, "j1", "pending"), (3, "j1", "firing"), (20, "j1", "recovered")],
    ),
    (
        "what is only just as usual must last twice as long",
        [*lasting("j1", 1, 8)[:-1], verdict(9, "j1", "doubtful")],
        [(1, "j1", "pending"), (3, "j1", "firing"), (19, "j1", "recovered")],
    ),
    (
        "too little data changes nothing",
        [verdict(1, "j1"), verdict(2, "j1", "insufficient"), verdict(3, "j1", "insufficient")],
        [(1, "j1", "pending"), (3, "j1", "firing"), (33, "j1", "no_data")],
    ),
    (
        "two steps of one note are one alert",
        [*lasting("j1", 1, 9), *lasting("j1", 4, 12, "orders-lost")],
        [(1, "j1", "pending"), (3, "j1", "firing"), (18, "j1", "recovered")],
    ),
    (
        "two notes are two alerts",
        [*lasting("j1", 1, 9), *lasting("t1", 1, 9)],
        [(1, "j1", "pending"), (1, "t1", "pending"), (3, "j1", "firing"), (3, "t1", "firing"),
         (15, "j1", "recovered"), (15, "t1", "recovered")],
    ),
    (
        "a platform that breaks is one alert, whatever its notes say",
        list(chain(lasting("jd", 1, 9), *(lasting(note, 1, 9) for note in NOTES))),
        [(1, "jd", "pending"), (3, "jd", "firing"), (15, "jd", "recovered")],
    ),
    (
        "notes that fired first become part of the platform's alert when that fires",
        [*lasting("j1", 1, 12), *lasting("j2", 1, 12), *lasting("jd", 5, 12)],
        [(1, "j1", "pending"), (1, "j2", "pending"), (3, "j1", "firing"), (3, "j2", "firing"), (5, "jd", "pending"),
         (7, "jd", "firing"), (7, "j1", "part_of"), (7, "j2", "part_of"), (18, "jd", "recovered")],
    ),
    (
        "notes that lag behind when a platform recovers raise nothing until it is resolved",
        [*lasting("jd", 1, 9), *lasting("j1", 1, 13)],
        [(1, "jd", "pending"), (3, "jd", "firing"), (15, "jd", "recovered")],
    ),
    (
        "a note that stays broken when the platform is resolved gets an alert of its own",
        [*lasting("jd", 1, 9), *lasting("j1", 1, 20)],
        [(1, "jd", "pending"), (3, "jd", "firing"), (15, "j1", "firing"), (15, "jd", "recovered"),
         (26, "j1", "recovered")],
    ),
    (
        "a note explains the little that its platform misses",
        [*lasting("j1", 1, 9), *lasting("jd", 1, 9, relative=-0.11)],
        [(1, "j1", "pending"), (3, "j1", "firing"), (15, "j1", "recovered")],
    ),
    (
        "many notes of one platform are one alert about it, though nothing is said of the platform",
        list(chain(*(lasting(note, 1, 9) for note in NOTES[:6]))),
        [(1, "jd", "pending"), (3, "jd", "firing"), (15, "jd", "recovered")],
    ),
    (
        "a group that shrinks stays one alert",
        list(chain(*(lasting(note, 1, 6 + number) for number, note in enumerate(NOTES[:6])))),
        [(1, "jd", "pending"), (3, "jd", "firing"), (17, "jd", "recovered")],
    ),
    (
        "a feed that is silent explains what comes of it",
        [*lasting("topic:shop-entry", 1, 9, "feed-silent"), *lasting("jd", 1, 9), *lasting("jd", 1, 9, "clicks-gone")],
        [(1, "shop-entry", "firing"), (1, "jd", "firing"), (15, "shop-entry", "recovered"), (15, "jd", "recovered")],
    ),
    (
        "facts that are late explain what is missing on their platform and nowhere else",
        [*lasting("jd", 1, 9, "late"), *lasting("j1", 1, 9), *lasting("t1", 1, 9), *lasting("merchant:m1", 1, 9)],
        [(1, "jd", "firing"), (1, "t1", "pending"), (3, "t1", "firing"), (15, "t1", "recovered"),
         (15, "jd", "recovered")],
    ),
    (
        "an alert waits while a feed is silent and goes on after it",
        [*lasting("j1", 1, 30), *lasting("topic:shop-entry", 5, 9, "feed-silent")],
        [(1, "j1", "pending"), (3, "j1", "firing"), (5, "shop-entry", "firing"), (15, "shop-entry", "recovered"),
         (36, "j1", "recovered")],
    ),
    (
        "what nobody speaks of any more ends without data",
        [verdict(minute, "j1") for minute in range(1, 4)],
        [(1, "j1", "pending"), (3, "j1", "firing"), (33, "j1", "no_data")],
    ),
    (
        "another metric is another cause",
        [*lasting("merchant:big", 1, 9, "refusals"), *lasting("t1", 1, 9)],
        [(1, "t1", "pending"), (1, "big", "firing"), (3, "t1", "firing"), (15, "t1", "recovered"),
         (15, "big", "recovered")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("said", "told"), [story[1:] for story in STORIES], ids=[story[0] for story in STORIES])
def test_alerts_live_as_the_story_says(said: list[Verdict], told: list[tuple[int, str, str]]) -> None:
    story = lived(said, minutes=40)

    assert sorted(story.told) == sorted(told)
    assert all(record.state == "resolved" for record in story.records[-1:]) or len(said) < 4


def test_each_alert_has_an_id_of_its_own_and_keeps_it() -> None:
    story = lived([*lasting("j1", 1, 9), *lasting("j1", 20, 25)], minutes=40)

    first, second = story.records[:3], story.records[3:]
    assert [len({record.alert_id for record in some}) for some in (first, second)] == [1, 1]
    assert first[0].alert_id != second[0].alert_id


def test_a_record_says_which_step_broke_first_where_else_and_what_it_costs() -> None:
    said = [verdict(1, "jd", since_ms=at(-3)), verdict(1, "jd", rule="orders-lost", since_ms=at(-1)), verdict(1, "j1")]
    worths = {scope("jd"): Worth(1_000, 460, 50, 40, 400_000, "CNY")}
    life, _ = step(Life(), Moment(at(1), said, PLACES, worths), RULES)
    _, (record,) = step(life, Moment(at(3), [], PLACES, worths), RULES)

    assert (record.state, record.rule, record.metric, record.reason) == ("firing", "entries-lost", "entry_rate", "drop")
    assert (record.severity, record.since_ms, record.affected) == ("critical", at(-3), ["note:j1"])
    assert (record.missing_per_hour, record.currency) == ((50, 40, 60), "CNY")
    assert record.lost_minor_per_hour == (43_478, 34_783, 52_174)
    assert record.summary == (
        "clicks that lead to a shop entry of platform jd: 0.0 % instead of 46.0 %, about CNY 435 an hour"
    )


def test_an_alert_that_becomes_louder_is_told_again() -> None:
    louder = Rules(rules=[
        msgspec.structs.replace(rule, severity="warning", overrides=[Override(scopes=["note:j1"], severity="critical")])
        if rule.name == "orders-lost" else msgspec.structs.replace(rule, severity="info")
        for rule in RULES.rules
    ])  # fmt: skip
    story = lived([*lasting("j1", 1, 9), *lasting("j1", 5, 9, "orders-lost")], minutes=6, rules=louder)

    assert [(record.state, record.severity) for record in story.records] == [
        ("pending", "info"), ("firing", "info"), ("firing", "critical"),
    ]  # fmt: skip


def test_an_earlier_moment_changes_nothing() -> None:
    story = lived(lasting("j1", 1, 9), minutes=5)

    assert step(story.life, Moment(at(5), [verdict(5, "t1")], PLACES), RULES) == (story.life, [])


def test_after_a_pause_scopes_are_heard_of_anew_before_they_are_given_up() -> None:
    story = lived(lasting("j1", 1, 5)[:-1], minutes=5)
    paused = msgspec.structs.replace(story.life, at_ms=at(200))

    _, lost = step(paused, Moment(at(201), [], PLACES), RULES)
    _, kept = step(after_pause(paused, at(201)), Moment(at(201), [], PLACES), RULES)

    assert [record.reason for record in lost] == ["no_data"]
    assert kept == []


def test_rules_that_are_gone_take_their_alerts_with_them() -> None:
    story = lived(lasting("j1", 1, 5)[:-1], minutes=5)
    others = msgspec.structs.replace(RULES, rules=RULES.rules[1:])

    assert [record.reason for record in lived([], minutes=6, life=story.life, rules=others).records] == ["no_data"]


def test_what_is_remembered_survives_being_stored_and_stays_small() -> None:
    said = chain(*(lasting(f"t{number % 10}", 1 + 9 * number, 4 + 9 * number) for number in range(210)))
    story = lived(list(said), minutes=9 * 211)

    assert msgspec.json.decode(msgspec.json.encode(story.life), type=Life) == story.life
    assert len(story.life.recent) == RECENT
    assert (story.life.conditions, story.life.alerts) == ({}, {})


def spoken() -> st.SearchStrategy[list[Verdict]]:
    one = st.tuples(
        st.integers(1, 25),
        st.sampled_from(["j1", "j2", "j3", "t1", "jd", "taobao", "merchant:m1"]),
        st.sampled_from(["bad", "bad", "bad", "ok", "doubtful", "insufficient"]),
        st.sampled_from(["entries-lost", "orders-lost"]),
    )
    return st.lists(one, max_size=60, unique_by=lambda said: (said[0], said[1], said[3])).map(
        lambda said: [verdict(*some) for some in said]
    )


@settings(max_examples=100, deadline=None)
@given(said=spoken(), data=st.data())
def test_verdicts_in_any_batches_and_order_give_the_same_transitions(said: list[Verdict], data: Any) -> None:
    by_time = sorted(said, key=lambda one: one.at_ms)
    shuffled = sorted(data.draw(st.permutations(said)), key=lambda one: one.at_ms)
    cuts = data.draw(st.lists(st.integers(0, len(said)), max_size=5).map(sorted))
    batches = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True)]

    whole = transitions(Life(), by_time)
    # Between batches everything is stored and read again, as after a crash.
    life, told, left = Life(), list[AlertRecord](), list[Verdict]()
    for number, batch in enumerate(batches):
        left += batch
        done = left if number == len(batches) - 1 else [one for one in left if one.at_ms < left[-1].at_ms]
        left = [one for one in left if one not in done]
        records = transitions(life, done)
        told += records[1]
        life = msgspec.json.decode(msgspec.json.encode(records[0]), type=Life)

    assert (life, told) == whole
    assert_sound(told)


def transitions(life: Life, said: list[Verdict]) -> tuple[Life, list[AlertRecord]]:
    told: list[AlertRecord] = []
    for at_ms, together in moments(said):
        life, records = step(life, Moment(at_ms, together, PLACES), RULES)
        told += records
    return life, told


def assert_sound(told: list[AlertRecord]) -> None:
    """Every alert goes one way: pending, firing, resolved, each at most once; at no time two about one scope."""
    seen: dict[str, list[str]] = {}
    open_scopes: set[tuple[str, str]] = set()
    for record in told:
        states = seen.setdefault(record.alert_id, [])
        if not states:
            assert (record.scope, record.id) not in open_scopes
            open_scopes.add((record.scope, record.id))
        states.append(record.state)
        if record.state == "resolved":
            open_scopes.remove((record.scope, record.id))
        assert record.at_ms >= record.since_ms >= T0
    for states in seen.values():
        assert states in (
            ["pending"], ["firing"], ["pending", "firing"], ["pending", "resolved"], ["firing", "resolved"],
            ["pending", "firing", "resolved"], ["firing", "firing"], ["pending", "firing", "firing"],
            ["firing", "firing", "resolved"], ["pending", "firing", "firing", "resolved"],
        )  # fmt: skip
