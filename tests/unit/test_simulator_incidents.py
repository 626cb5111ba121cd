"""Planted incidents do what they say, where and when they say it, and nothing elsewhere."""

import json
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any, Final, TypeAlias

import pytest

from app.simulator.config import SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.incidents import KINDS, Incident, explained, read_incident, usual_incidents
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.simulator.truth_file import read_truth, truth_of, write_truth

T0: Final = SimulatorConfig().start_ms
HOUR_MS: Final = 3_600_000
SPAN: Final = (T0 + 18 * HOUR_MS, T0 + 22 * HOUR_MS)

Fields: TypeAlias = dict[str, Any]


class Traffic:
    """All records of one simulation of a day, and the incident as it was planted."""

    def __init__(self, incident: str) -> None:
        planted = (read_incident(f"{incident},from=18h,for=4h", T0),) if incident else ()
        config = SimulatorConfig(events=10_000, seed=3, days=1, notes=100, incidents=planted)
        tallies = Tallies()
        self.records = list(simulate(config, tallies))
        self.incident = tallies.incidents[0] if incident else None
        self.facts = [(record.topic, fields) for record in self.records if (fields := _read(record))]

    def follow_ups(self, chosen: Callable[[Fields], bool]) -> float:
        """Entries for each of the chosen clicks of the span, by token."""
        clicked = {
            fields["token"] for topic, fields in self.facts
            if topic == "click-out" and SPAN[0] <= fields["at_ms"] < SPAN[1] and chosen(fields)
        }  # fmt: skip
        entered = {fields["token"] for topic, fields in self.facts if topic == "shop-entry"}
        return len(clicked & entered) / len(clicked)

    @property
    def rest(self) -> int:
        """The clicks beside the span; with more in it there are fewer beside it."""
        return sum(topic == "click-out" and not SPAN[0] <= fields["at_ms"] < SPAN[1] for topic, fields in self.facts)

    def clicks(self, chosen: Callable[[Fields], bool]) -> int:
        """How many of the chosen clicks lie in the span."""
        return sum(
            topic == "click-out" and chosen(fields) and SPAN[0] <= fields["at_ms"] < SPAN[1]
            for topic, fields in self.facts
        )

    def sent(self, topic: str) -> list[Outgoing]:
        """The records of a topic that leave in the span."""
        return [
            record for record in self.records
            if record.topic == topic and SPAN[0] <= (record.timestamp_ms or 0) < SPAN[1]
        ]  # fmt: skip


def _read(record: Outgoing) -> Fields | None:
    try:
        fields = json.loads(record.value or b"")
    except ValueError:
        return None
    good = isinstance(fields, dict) and isinstance(fields.get("at_ms"), int) and isinstance(fields.get("token"), str)
    return fields if good else None


@cache
def traffic(incident: str = "") -> Traffic:
    """The day with this incident; without one it is as usual."""
    return Traffic(incident)


def where(name: str, value: str) -> Callable[[Fields], bool]:
    """Clicks with this value."""
    return lambda fields: fields.get(name) == value


def elsewhere(name: str, value: str) -> Callable[[Fields], bool]:
    """All other clicks."""
    return lambda fields: fields.get(name) != value


@pytest.mark.parametrize("kind", ["link_break", "gate_closing", "platform_dip", "slow_decline"])
def test_what_follows_clicks_is_lost_in_the_scope_alone(kind: str) -> None:
    day = traffic(f"{kind},platform=#1")
    assert day.incident
    name, value = day.incident.scope, day.incident.id
    usual = traffic().follow_ups(where(name, value))
    expected = usual * (1 - (0.4 if kind == "slow_decline" else day.incident.strength))

    assert abs(day.follow_ups(where(name, value)) - expected) < 0.12
    assert abs(day.follow_ups(elsewhere(name, value)) - traffic().follow_ups(elsewhere(name, value))) < 0.08


def test_lost_tokens_are_told_under_tokens_that_nobody_clicked() -> None:
    def unknown(day: Traffic) -> int:
        clicked = {fields["token"] for topic, fields in day.facts if topic == "click-out"}
        return sum(topic == "shop-entry" and fields["token"] not in clicked for topic, fields in day.facts)

    assert unknown(traffic("token_loss,platform=taobao")) > 2 * unknown(traffic())


def test_a_clock_that_jumps_moves_what_shops_tell_and_not_when_they_tell_it() -> None:
    def ahead(day: Traffic) -> int:
        return sum(
            fields["at_ms"] > (record.timestamp_ms or 0) + HOUR_MS
            for record in day.sent("shop-entry") if (fields := _read(record))
        )  # fmt: skip

    assert ahead(traffic()) == 0
    assert ahead(traffic("clock_jump,platform=xhs,strength=2")) > 50


def test_a_feed_that_stops_sends_nothing_and_the_others_go_on() -> None:
    day, usual = traffic("feed_stop,topic=shop-entry"), traffic()

    # What is invalid or repeated by page edges is not the feed's own.
    assert len(day.sent("shop-entry")) < 0.02 * len(usual.sent("shop-entry"))
    assert abs(len(day.sent("click-out")) / len(usual.sent("click-out")) - 1) < 0.15


def test_a_late_feed_catches_up_and_loses_nothing() -> None:
    day, usual = traffic("late_feed,topic=order"), traffic()
    half_an_hour = (SPAN[1], SPAN[1] + HOUR_MS // 2)
    caught_up = [
        record for record in day.records
        if record.topic == "order" and half_an_hour[0] <= (record.timestamp_ms or 0) < half_an_hour[1]
    ]  # fmt: skip

    assert len(day.sent("order")) < 0.05 * len(usual.sent("order"))
    assert len(caught_up) > 0.9 * len(usual.sent("order"))


def test_a_storm_of_duplicates_repeats_records_of_its_topic() -> None:
    day, usual = traffic("duplicates_storm,topic=shop-entry,strength=5"), traffic()

    assert 4 < len(day.sent("shop-entry")) / len(usual.sent("shop-entry")) * usual.rest / day.rest < 6
    assert len({record.value for record in day.sent("shop-entry")}) < len(day.sent("shop-entry")) / 3


def test_a_surge_brings_readers_that_buy_and_a_flood_brings_none() -> None:
    surge, flood, usual = traffic("promotion_surge,strength=3"), traffic("bot_flood,note=#1,strength=20"), traffic()
    assert flood.incident
    note = where("note_id", flood.incident.id)

    growth = surge.clicks(lambda _: True) / usual.clicks(lambda _: True) * usual.rest / surge.rest
    assert 2.3 < growth < 3.5
    assert abs(surge.follow_ups(lambda _: True) - usual.follow_ups(lambda _: True)) < 0.06
    assert flood.clicks(note) > 10 * usual.clicks(note)
    assert flood.follow_ups(note) < 0.15


@pytest.mark.parametrize("events", [1, 2, 50, 999])
def test_exactly_as_many_records_come_as_were_asked_for(events: int) -> None:
    planted = tuple(usual_incidents(5, T0, 3))
    assert len(list(simulate(SimulatorConfig(events=events, notes=20, incidents=planted), Tallies()))) == events


def test_the_truth_file_says_what_was_planted_with_ids_instead_of_ranks(tmp_path: Any) -> None:
    tallies = Tallies()
    config = SimulatorConfig(events=100, incidents=(read_incident("link_break,note=#2,from=1h,for=30m", T0),))
    list(simulate(config, tallies))
    write_truth(truth_of(tallies), tmp_path / "truth.json")

    (told,) = read_truth(tmp_path / "truth.json").incidents

    assert told == Incident(
        kind="link_break", from_ms=T0 + HOUR_MS, to_ms=T0 + HOUR_MS * 3 // 2, scope="note", id=told.id, strength=1
    )
    assert len(told.id) == 24


def test_the_usual_incidents_are_one_of_each_kind_and_never_two_at_a_time() -> None:
    planted = usual_incidents(1, T0, 30)

    assert {one.kind for one in planted} == KINDS.keys()
    assert all(one.to_ms <= other.from_ms for one, other in pairwise(planted))
    assert planted[-1].to_ms < T0 + 30 * 24 * HOUR_MS
    assert planted == usual_incidents(1, T0, 30) != usual_incidents(2, T0, 30)
    assert len(explained()) == len(KINDS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fire", "no kind of incident 'fire'"),
        ("link_break,topic=order", "no setting or scope 'topic'"),
        ("link_break,from=6", "not a duration: '6'"),
        ("link_break,for=0s", "must last for some time"),
        ("link_break,strength=2", "strength of link_break is 0 to 1, not 2"),
        ("link_break,strength=0", "not 0"),
        ("link_break,strength=much", "strength is a number"),
        ("clock_jump,strength=-30", "-24 to 24"),
        ("feed_stop,topic=policy", "no topic policy to disturb"),
        ("link_break,note", "not NAME=VALUE"),
        ("link_break,note=a b", "not an id"),
    ],
)
def test_what_cannot_be_planted_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_incident(text, T0)


def test_a_rank_that_nobody_has_is_refused() -> None:
    config = SimulatorConfig(events=10, notes=3, incidents=(read_incident("link_break,note=#9", T0),))

    with pytest.raises(ValueError, match="no note #9, only #1 to #3"):
        list(simulate(config, Tallies()))
