"""`redcat audit` finds whatever is changed by hand in a real Valkey."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from app.settings import Settings
from tests.integration.audited import (
    GROUP,
    PARTITIONS,
    a_counter,
    a_journey,
    a_record,
    absorbed,
    an_hour,
    audited,
    fields,
    kinds,
    lane,
)  # fmt: skip

DAMAGES: dict[str, tuple[Callable[[Redis], object], set[str]]] = {
    "a counter that grew": (lambda redis: redis.hincrby(*a_counter(redis), 1), {"counter", "totals"}),
    "a counter that was lost": (lambda redis: redis.hdel(*a_counter(redis)), {"counter", "totals"}),
    "money that was added": (
        lambda redis: redis.hincrby(*a_counter(redis, "gross_minor:CNY"), 100), {"counter", "totals"},
    ),
    "a note that was lost": (
        lambda redis: redis.srem(f"{GROUP}:{{0}}:notes", a_counter(redis, "reads")[0].rpartition(b":")[2]),
        {"counter", "totals", "figures"},
    ),
    "a row that was lost": (
        lambda redis: redis.hdel(lane(":totals"), fields(redis, lane(":totals"))[0]), {"totals"},
    ),
    "a row that was copied": (
        lambda redis: redis.hset(lane(":totals"), "mnone", redis.hvals(lane(":totals"))[0]), {"totals"},
    ),
    "all totals lost": (lambda redis: redis.delete(lane(":totals")), {"totals"}),
    "a record more consumed": (
        lambda redis: redis.hincrby(lane(":ledger"), "click-out:consumed", 1), {"balance"},
    ),
    "conflicts out of nothing": (
        lambda redis: redis.hincrby(lane(":ledger"), "shop-entry:conflicts", 1_000), {"conflicts", "line"},
    ),
    "a fact less": (
        lambda redis: redis.hincrby(lane(":ledger"), "shop-entry:distinct", -1), {"balance", "buckets", "line"},
    ),
    "a fact more": (
        lambda redis: redis.hincrby(lane(":ledger"), "shop-entry:distinct", 1), {"balance", "buckets"},
    ),
    "an outcome more": (
        lambda redis: redis.hincrby(lane(":ledger"), "outcome:entry:credited/", 1), {"buckets", "line"},
    ),
    "an outcome in another line": (
        lambda redis: (
            redis.hincrby(lane(":ledger"), "outcome:order:credited/", -1),
            redis.hincrby(lane(":ledger"), "outcome:order:refused/no_click", 1),
        ),
        {"line"},
    ),
    "a mismatch more": (lambda redis: redis.hincrby(lane(":ledger"), "currency_mismatch", 1), {"line"}),
    "a metric less": (
        lambda redis: redis.hincrby(lane(":ledger", PARTITIONS), "note-metric:absorbed", -1), {"balance"},
    ),
    "a note's hour that was lost": (
        lambda redis: redis.hdel(*an_hour(redis, b"kn")), {"series_hour", "series_row"},
    ),
    "a merchant's hour that was lost": (lambda redis: redis.hdel(*an_hour(redis, b"km")), {"series_row"}),
    "a journey that was lost": (lambda redis: redis.delete(a_journey(redis)), {"series_hour", "series_row"}),
    "a journey that is garbage": (
        lambda redis: redis.set(a_journey(redis), b"\x93\x01"), {"unreadable", "series_hour", "series_row"},
    ),
    "a figure that grew": (lambda redis: redis.hincrby(*a_counter(redis, "reads"), 1), {"figures"}),
    "a latest record that was lost": (lambda redis: redis.delete(a_record(redis)), {"figures"}),
    "a latest record that is garbage": (
        lambda redis: redis.set(a_record(redis), b"\x93\x01"), {"figures", "unreadable_note"},
    ),
}  # fmt: skip


@pytest.fixture
def settings(valkey_url: str, tmp_path: Path) -> Settings:
    """A namespace that has absorbed some traffic."""
    return absorbed(valkey_url, tmp_path)


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    """The back door."""
    with Redis.from_url(valkey_url) as redis:
        yield redis


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_changed_by_hand_is_found(settings: Settings, redis: Redis, damage: str) -> None:
    change, expected = DAMAGES[damage]
    assert change(redis)
    assert kinds(audited(settings, "--no-results")) == expected
