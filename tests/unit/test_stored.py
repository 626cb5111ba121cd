"""Journeys as the store holds them: nothing is lost, and what cannot be read is said."""

import weakref
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.facts import ID_PATTERN, Action, Click, Entry, Fact, Step
from streams.core.journey import Journey
from streams.errors import LaneStopped
from streams.stored import ENCODING, JourneyCodec
from streams.words import LONGEST_WORD, MOST_WORDS, Words, pack_id, unpack_id

TOKEN = "t1"
CLICK = Click(TOKEN, "e", 10**12, "n", "ad", "note", "jd", "m", "c")

odd_ids = st.from_regex(ID_PATTERN, fullmatch=True)
hex_ids = st.integers(4, 32).flatmap(lambda n: st.binary(min_size=n, max_size=n)).map(bytes.hex)
ids = st.one_of(
    odd_ids,
    hex_ids,
    hex_ids.map(str.upper),
    st.uuids().map(str),
    st.uuids().map(lambda known: str(known).upper()),
    st.integers(0, 2**70).map(str),
    st.integers(0, 99).map(lambda number: f"{number:020}"),
)
times = st.integers(10**12, 2**43 - 1)
platforms = st.one_of(st.sampled_from(["taobao", "tmall", "jd", "xhs"]), ids)
shops = {"platform": platforms, "merchant_id": ids}
head: dict[str, Any] = {"token": st.just(TOKEN), "event_id": ids, "at_ms": times}

clicks = st.builds(
    Click,
    **head,
    note_id=ids,
    note_kind=st.sampled_from(["ad", "ugc"]),
    link=st.sampled_from(["note", "comment"]),
    **shops,
    category=ids,
    campaign_id=st.none() | ids,
    creator_id=st.none() | ids,
    poster_id=st.none() | ids,
    boost_id=st.none() | ids,
)
entries = st.builds(Entry, **head, **shops)
actions = st.builds(Action, **head, **shops, action=st.sampled_from(["favourite", "cart"]))
amounts = st.integers(0, 10**12)
currencies = st.sampled_from(["CNY", "USD", "XAU"])
steps = st.one_of(
    st.builds(Step, **head, **shops, order_id=ids, status=st.sampled_from(["received", "settled", "closed", "frozen"])),
    st.builds(
        Step, **head, **shops, order_id=ids, status=st.sampled_from(["paid", "deposit"]), amount_minor=amounts,
        currency=currencies,
    ),
    st.builds(
        Step, **head, **shops, order_id=ids, status=st.just("refunded"), amount_minor=amounts, currency=currencies,
        refund_id=ids,
    ),
)  # fmt: skip
facts = st.one_of(clicks, entries, actions, steps)


def journey_of(known: Iterable[Fact]) -> Journey:
    journey = Journey()
    for fact in known:
        journey.absorb(fact)
    return journey


@given(ids)
def test_an_id_comes_back_as_it_was(text: str) -> None:
    assert unpack_id(pack_id(text)) == text


@given(st.lists(ids, unique=True))
def test_different_ids_stay_different(texts: list[str]) -> None:
    assert len({pack_id(text) for text in texts}) == len(texts)


@given(st.lists(ids))
def test_a_word_comes_back_as_it_was_also_to_the_next_owner(texts: list[str]) -> None:
    words = Words()
    codes = [words.code(text) for text in texts]
    for owner in (words, Words(words.new)):
        assert [owner.text(code) for code in codes if code is not None] == texts
        assert [owner.code(text) for text in texts] == codes
    assert words.new == list(dict.fromkeys(text for text in texts if len(text) <= LONGEST_WORD))


def test_the_words_of_a_lane_go_at_once_when_it_does() -> None:
    words = Words(["note"])
    words.code("shop")
    codes = weakref.ref(words.code.__self__)  # type: ignore[attr-defined]  # a look-up in a dict
    del words
    assert codes() is None


def test_a_full_vocabulary_takes_no_more_words_and_loses_nothing() -> None:
    words = Words(str(number) for number in range(-MOST_WORDS, 0))
    assert words.code("-1") == -MOST_WORDS
    assert words.code("one-more") == "one-more"
    assert words.new == []


@settings(deadline=None)
@given(st.lists(facts, min_size=1, max_size=12), st.integers(1, 300))
def test_a_journey_comes_back_as_it_was_also_to_the_next_owner(known: list[Fact], policies: int) -> None:
    journey, words = journey_of(known), Words()
    value = JourneyCodec(words).pack(journey, policies)
    assert JourneyCodec(Words(words.new)).unpack(TOKEN, value) == (journey, policies)


@given(clicks)
def test_the_short_way_for_a_lone_click_gives_the_same_bytes(click: Click) -> None:
    assert JourneyCodec(Words()).pack_lone_click(click, 3) == JourneyCodec(Words()).pack(journey_of([click]), 3)


def test_a_journey_in_the_form_before_placements_is_still_read() -> None:
    rows = [1, 4, 10**12, [["e", 0, "n", 0, "jd", "m", "c"], ["f", 5, -1, 3, "xhs", "m", "c", -2, None, None, "b1"]]]
    rows += [[["v", 9, "jd", "m"]], [], [], [[0, ["e", 3, "n", 0, "jd", "m", "c"]]]]
    journey, policies = JourneyCodec(Words(["n2", "c7"])).unpack(TOKEN, msgspec.msgpack.encode(rows))
    other = Click(TOKEN, "f", 10**12 + 5, "n2", "ugc", "comment", "xhs", "m", "c", "c7", boost_id="b1")
    assert policies == 4
    assert journey == Journey(
        clicks={"e": CLICK, "f": other},
        entries={"v": Entry(TOKEN, "v", 10**12 + 9, "jd", "m")},
        lost=[msgspec.structs.replace(CLICK, at_ms=10**12 + 3)],
    )


def test_a_full_vocabulary_takes_no_more_placements_and_loses_nothing() -> None:
    words = Words(str(number) for number in range(-MOST_WORDS, 0))
    value = JourneyCodec(words).pack_lone_click(CLICK, 1)
    assert JourneyCodec(words).unpack(TOKEN, value) == (journey_of([CLICK]), 1)
    assert words.new == []


@given(st.binary())
def test_garbage_is_said_to_be_unreadable(value: bytes) -> None:
    with pytest.raises(LaneStopped, match="journey t1"):
        JourneyCodec(Words()).unpack(TOKEN, value)


def test_a_word_that_is_missing_is_said() -> None:
    value = JourneyCodec(Words()).pack_lone_click(CLICK, 1)
    with pytest.raises(LaneStopped, match="journey t1"):
        JourneyCodec(Words()).unpack(TOKEN, value)


def test_a_newer_encoding_asks_for_a_newer_version() -> None:
    value = JourneyCodec(Words()).pack_lone_click(CLICK, 1)
    newer = value.replace(bytes([ENCODING]), bytes([ENCODING + 1]), 1)
    with pytest.raises(LaneStopped, match="run a newer Redcat"):
        JourneyCodec(Words()).unpack(TOKEN, newer)
