"""Explanations in words: each story says by which rule, window and policy a click won or lost, in both languages."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

import io
from typing import Any

import msgspec
import pytest
from rich.console import Console

from app.explaining.explanation import explained, explained_order, json_of
from app.explaining.texts import CHINESE, explain_texts
from app.explaining.texts_en import ENGLISH, ExplainTexts
from app.explaining.times import Zone, span, zone
from app.explaining.view import MOST_CLICKS, View
from app.explaining.writing import write
from streams.errors import LaneStopped, Misconfigured
from tests.behaviour.builders import (
    DAY,
    HOUR,
    SECOND,
    after,
    click,
    deposit,
    entry,
    favourite,
    paid,
    policy,
    refund,
    step,
)
from tests.behaviour.stories import STORIES
from tests.generators.journeys import hard_journeys
from tests.generators.policies import DEFAULT_POLICY, Document
from tests.generators.records import Written
from tests.unit.shelf import NOW_MS, SHANGHAI, Shelf, written


async def told(shelf: Shelf, texts: ExplainTexts = ENGLISH, *, at: Zone = SHANGHAI, order: str | None = None) -> str:
    """What is written about token t1."""
    found = await explained(shelf, "t1")
    assert found is not None
    return written(found, texts, at=at, order=order)


FIRST = [
    click("k0", at=0, note="n1"),
    click("k1", at=HOUR, note="n2", campaign_id="c42"),
    entry("e1", at=HOUR + 5 * SECOND),
    deposit("s1", at=2 * HOUR),
    paid("s2", at=3 * HOUR),
    refund("s3", at=4 * HOUR, amount=30),
    refund("s4", at=5 * HOUR, amount=20),
    refund("s5", at=6 * HOUR, amount=10, currency="USD", refund_id="r2"),
]

WHOLE = """\
Journey t1
clicks: 2, shop entries: 1, orders: 1
kept until 2025-07-23 00:00 if nothing more comes, computed under policy versions 1, times are those of Asia/Shanghai

What happened
2025-06-18 00:00:00.000  click k0: link of ad note n1 -> tmall m1, fmcg.skincare
                           accepted by policy 1
2025-06-18 01:00:00.000  click k1: link of ad note n2 -> tmall m1, fmcg.skincare, campaign c42
                           accepted by policy 1
                           won entry:e1, order:o1
2025-06-18 01:00:05.000  shop entry e1 at tmall m1
                           credited to click k1 of note n2
2025-06-18 02:00:00.000  order o1 deposit (s1) at tmall m1, CNY 0.20
2025-06-18 03:00:00.000  order o1 paid (s2) at tmall m1, CNY 1.00
                           the order's base: its time, shop and amount are the order's
                           credited to click k1 of note n2
2025-06-18 04:00:00.000  order o1 refunded (s3) at tmall m1, CNY 0.30
                           replaced by a later step of refund r1
2025-06-18 05:00:00.000  order o1 refunded (s4) at tmall m1, CNY 0.20
                           the latest step of refund r1, so it counts
2025-06-18 06:00:00.000  order o1 refunded (s5) at tmall m1, USD 0.10
                           ignored: it carries another currency than the order's base

What became of it
entry:e1  credited to click k1 of note n2
    k1 (n2): won; 5s after it, window 1d by default, lead 0s by default, policy 1
    k0 (n1): would do, but a later click won; 1h 5s after it, window 1d by default, lead 0s by default, policy 1
    final from 2025-06-18 01:00:05.000 on, but for order steps and conflicts
order:o1  credited to click k1 of note n2
    refund r1: CNY 0.20 by s4, in place of s3
    CNY 1.00 counts, CNY 0.20 of it refunded, net CNY 0.80
    k1 (n2): won; 2h after it, window 3d by campaign c42, lead 0s by default, policy 1
    k0 (n1): would do, but a later click won; 3h after it, window 15d by default, lead 0s by default, policy 1
    final from 2025-06-18 03:00:00.000 on, but for order steps and conflicts
"""

OF_CAMPAIGN = policy(campaigns={"c42": {"windows": {"order": "3d"}}})


async def test_a_journey_is_told_by_time_and_then_by_result() -> None:
    assert await told(Shelf([OF_CAMPAIGN]).put(FIRST)) == WHOLE


async def test_an_order_alone_is_told_with_the_clicks_but_without_the_other_results() -> None:
    said = await told(Shelf([OF_CAMPAIGN]).put(FIRST), order="o1")
    assert "order:o1  credited" in said
    assert "click k0" in said
    assert "e1" not in said.replace("entry:e1", "")


STORIES_IN_WORDS: list[tuple[str, list[Written], list[Document], str]] = [
    ("no click", [entry("e", at=0)], [], "entry:e  refused: there is no click under this token"),
    (
        "another shop",
        [click("k", merchant_id="m2"), entry("e", at=1)],
        [],
        "k (n1): led to another shop, tmall m2; 1ms after it, window 1d by default, lead 0s by default, policy 1",
    ),
    (
        "too early",
        [click("k", at=HOUR), entry("e", at=0)],
        [policy(lead="5s")],
        (
            "k (n1): came too late: the fact is 59m 55s earlier than the lead allows; 1h before it, "
            "window 1d by default, lead 5s by default, policy 1"
        ),
    ),
    (
        "the end of a window",
        [click("k", platform="jd"), paid("p", at=7 * DAY, platform="jd")],
        [],
        "k (n1): its window ended at that very time; 7d after it, window 7d by platform jd, lead 0s by default",
    ),
    (
        "a window of a category above",
        [click("k"), entry("e", at=3 * HOUR)],
        [policy(categories={"fmcg": {"windows": {"entry": "2h"}}})],
        "k (n1): its window had ended 1h before; 3h after it, window 2h by category fmcg, lead 0s by default, policy 1",
    ),
    (
        "a refused click",
        [click("k", note_kind="ugc"), entry("e", at=0)],
        [],
        (
            "k (n1): fits, but was refused itself (link_unauthorised); at its very time, "
            "window 1d by default, lead 0s by default, policy 1"
        ),
    ),
    (
        "an unlisted platform",
        [click(platform="pdd")],
        [],
        "refused by policy 1: platform pdd is not listed, only jd, taobao, tmall, xhs",
    ),
    (
        "a closed industry",
        [click(category="toys")],
        [],
        'refused by policy 1: category toys is closed, by "*" in the industries',
    ),
    (
        "an industry that nobody lists",
        [click()],
        [policy(industries={})],
        "refused by policy 1: category fmcg.skincare is closed, no industries line fits it",
    ),
    (
        "an industry closed on its platform",
        [click()],
        [policy(platforms={"tmall": {"industries": {"fmcg": "closed"}}})],
        'category fmcg.skincare is closed, by "fmcg" in the industries of tmall',
    ),
    (
        "a gate",
        [click(at=HOUR)],
        [policy(gates=[{"platform": "tmall", "closed_from_ms": after(0), "closed_to_ms": after(DAY)}])],
        "refused by policy 1: the gate for tmall, everything was closed from 2025-06-18 00:00 until 2025-06-19 00:00",
    ),
    (
        "a gate for good",
        [click(at=HOUR)],
        [policy(gates=[{"category": "fmcg", "closed_from_ms": after(0)}])],
        "the gate for everything, fmcg is closed since 2025-06-18 00:00",
    ),
    (
        "a link that may not lead there",
        [click(link="comment")],
        [],
        "refused by policy 1: such a link may not lead to tmall",
    ),
    (
        "a later policy",
        [click("k", at=HOUR), entry("e", at=HOUR)],
        [policy(1), policy(2, effective_from_ms=after(1), lead="1s")],
        "k (n1): won; at its very time, window 1d by default, lead 1s by default, policy 2",
    ),
    (
        "a deposit",
        [click("k"), deposit(at=1)],
        [],
        "order:o1  pending: the order is not paid; click k of note n1 would get it",
    ),
    (
        "a closed order",
        [click("k"), paid(at=1), step("closed", at=2)],
        [],
        "order:o1  withdrawn: the order was closed; click k of note n1 would have it",
    ),
    (
        "a frozen order",
        [click("k"), paid(at=1), refund(at=2), step("frozen", at=3)],
        [],
        "    CNY 0.70 will count once it is released",
    ),
    (
        "refunds over the amount",
        [click("k"), paid(at=1), refund(at=2, amount=130)],
        [],
        "    refunds sum up to CNY 1.30, but no more than the amount is refunded",
    ),
    (
        "a conflict",
        [click("k", at=1, note="n1"), click("k", at=0, note="n2")],
        [],
        "does not count: another record of this event id is later (2025-06-18 00:00:00.001) and stands",
    ),
    (
        "a conflict of one time",
        [click("k", note="n1"), click("k", note="n2")],
        [],
        "does not count: another record of this event id and time is greater as canonical JSON and stands",
    ),
    (
        "what ceased to exist",
        [
            favourite("a", at=1),
            step("received", "a", at=1),
            Written("shop-action", favourite("a", at=2).fields | {"action": "cart"}),
        ],
        [],
        "no result any more, for only records that lost would make them: favourite:a",
    ),
]


@pytest.mark.parametrize(
    ("records", "policies", "expected"), [row[1:] for row in STORIES_IN_WORDS], ids=[row[0] for row in STORIES_IN_WORDS]
)
async def test_a_reason_is_told_with_its_rule_and_by_how_much(
    records: list[Written], policies: list[Document], expected: str
) -> None:
    assert expected in await told(Shelf(policies or [DEFAULT_POLICY]).put(records))


async def test_a_journey_is_told_in_chinese_as_well() -> None:
    said = await told(Shelf([OF_CAMPAIGN]).put(FIRST), CHINESE)
    assert "2 次点击，1 次进店，1 个订单" in said
    assert "k1 (n2): 胜出; 点击之后 2h，窗口 3d（活动 c42），提前量 0s（默认），策略 1" in said


async def test_of_many_clicks_the_winner_the_nearest_and_the_greatest_are_told() -> None:
    clicks = [click(f"k{number:03}", at=number, merchant_id="m2") for number in range(100)]
    said = await told(Shelf().put([click("first", at=-1), *clicks, entry("e", at=HOUR)]))
    *_, result = said.split("entry:e  ")
    assert "first (n1): won" in result
    assert result.count("led to another shop") == MOST_CLICKS - 1
    assert f"and others: {101 - MOST_CLICKS}" in result


async def test_a_journey_is_explained_under_the_policies_that_it_was_computed_under() -> None:
    policies = [
        policy(1),
        policy(2, effective_from_ms=after(0), windows=dict.fromkeys(DEFAULT_POLICY["windows"], "0s")),
    ]
    for count, outcome in ((1, "credited"), (2, "refused")):
        found = await explained(Shelf(policies).put([click(), entry("e", at=1)], count=count), "t1")
        assert found is not None
        assert (found.versions, found.explanation.results[0].outcome) == ([1, 2][:count], outcome)


async def test_an_order_under_two_tokens_is_explained_under_both() -> None:
    shelf = Shelf().put([click(), paid(at=1), click(token="t2"), paid(at=1, token="t2"), click(token="t3")])
    assert [found.token for found in await explained_order(shelf, "o1")] == ["t1", "t2"]
    assert await explained_order(shelf, "o9") == []
    assert await explained(shelf, "t9") is None


@pytest.mark.parametrize("texts", [ENGLISH, CHINESE], ids=["en", "zh"])
async def test_everything_that_can_happen_can_be_told(texts: ExplainTexts) -> None:
    shelves = [Shelf(story.policies).put(story.records) for story in STORIES]
    for seed in range(60):
        scenario = hard_journeys(seed)
        shelves.append(Shelf(scenario.policies).put(scenario.records, ttl_ms=None))
    for shelf in shelves:
        for token in shelf.journeys:
            found = await explained(shelf, token)
            assert found is not None
            assert written(found, texts)
            assert json_of(found)["token"] == token


async def test_a_terminal_gets_lines_that_are_no_wider_than_it_is() -> None:
    found = await explained(Shelf([OF_CAMPAIGN]).put(FIRST), "t1")
    assert found is not None
    output = io.StringIO()
    write(
        View(found, CHINESE, SHANGHAI, NOW_MS).lines(),
        Console(file=output, width=60, force_terminal=True, color_system=None),
    )
    console = Console(width=60)
    assert max(console.measure(line).maximum for line in output.getvalue().splitlines()) <= 60


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("bytes that are no journey", {"value": b"\xff"}, "cannot be read"),
    ("a newer encoding", {"value": msgspec.msgpack.encode([9, 1, 0, []])}, "newer Redcat"),
    ("words that are missing", {"words": []}, "cannot be read"),
    ("words of somebody else", {"words": ["", " ", "x y", "", "|ad|note|jd|m|c|||"]}, "holds what is no fact"),
    ("a policy that nobody knows", {"policies": [7]}, "does not know policy 7"),
]


@pytest.mark.parametrize(("changes", "complaint"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
async def test_what_cannot_be_read_is_said(changes: dict[str, Any], complaint: str) -> None:
    shelf = Shelf().put([click()])
    shelf.journeys["t1"] = shelf.journeys["t1"]._replace(**changes)
    with pytest.raises(LaneStopped, match=complaint):
        await explained(shelf, "t1")


async def test_without_policies_of_the_lane_those_of_the_namespace_count() -> None:
    shelf = Shelf().put([click()])
    shelf.journeys["t1"] = shelf.journeys["t1"]._replace(policies=[])
    found = await explained(shelf, "t1")
    assert found is not None
    assert found.versions == [1]
    shelf.policies = {1: "{}"}
    with pytest.raises(LaneStopped, match="cannot be read"):
        await explained(shelf, "t1")


def test_both_languages_say_the_same_things() -> None:
    for name in ExplainTexts._fields:
        english, chinese = getattr(ENGLISH, name), getattr(CHINESE, name)
        assert not isinstance(english, dict) or english.keys() == chinese.keys()
    assert (explain_texts("zh"), explain_texts("en")) == (CHINESE, ENGLISH)


@pytest.mark.parametrize(
    ("ms", "said"),
    [(0, "0s"), (1, "1ms"), (61_001, "1m 1s 1ms"), (DAY + 2 * HOUR, "1d 2h"), (-HOUR, "-1h")],
)
def test_a_length_of_time_is_told_exactly(ms: int, said: str) -> None:
    assert span(ms) == said


def test_times_are_those_of_the_zone() -> None:
    assert SHANGHAI.text(after(0)) == "2025-06-18 00:00:00.000"
    assert zone("UTC").short(after(0)) == "2025-06-17 16:00"
    assert zone("America/New_York").short(after(0)) == "2025-06-17 12:00"
    assert SHANGHAI.text(10**18) == f"{10**18} ms"
    with pytest.raises(Misconfigured, match="no time zone 'Mars/Crater'"):
        zone("Mars/Crater")


def test_the_zone_of_the_machine_is_named() -> None:
    assert zone(None, {"TZ": "Asia/Shanghai"}) == SHANGHAI
    assert zone(None, {"TZ": "CST-8"}) == Zone("CST-8", None)
    assert zone(None, {}).name
