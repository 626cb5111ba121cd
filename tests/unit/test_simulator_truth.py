"""The truth of a journey is what one works out by hand."""

import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
import pytest

from app.simulator.facts import Action, Click, Entry, Fact, NoteMetric, Shop, Step, make_link
from app.simulator.rules import DEFAULT_POLICY, Rules, duration_ms
from app.simulator.truth import Tallies
from app.simulator.truth_file import Truth, truth_of

T0 = 1_772_380_800_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
TMALL = Shop("tmall", "100")
OTHER = Shop("tmall", "200")


def click(
    event_id: str = "c",
    *,
    at: int = 0,
    note: str = "n",
    shop: Shop = TMALL,
    kind: str = "ad",
    link: str = "note",
    category: str = "fmcg.skincare",
    campaign: str | None = None,
    boost: str | None = None,
) -> Click:
    to = make_link(note_id=note, note_kind=kind, link=link, shop=shop, category=category, campaign_id=campaign)
    return Click(event_id, "t", T0 + at, to, boost)


def entry(event_id: str = "e", *, at: int = MINUTE, shop: Shop = TMALL) -> Entry:
    return Entry(event_id, "t", T0 + at, shop)


def action(name: str, event_id: str = "a", *, at: int = MINUTE, shop: Shop = TMALL) -> Action:
    return Action(event_id, "t", T0 + at, shop, name)


def metric(event_id: str, reads: int, likes: int = 0, *, at: int = 0, shares: int | None = None) -> NoteMetric:
    return NoteMetric(event_id, "n", T0 + at, reads, likes, 0, shares=shares)


def step(
    event_id: str,
    status: str,
    *,
    at: int = HOUR,
    amount: int | None = None,
    order: str = "o",
    currency: str = "CNY",
    refund: str | None = None,
) -> Step:
    carried = None if amount is None else currency
    return Step(event_id, "t", T0 + at, TMALL, order, status, amount, carried, refund)


def paid(amount: int = 1_000, event_id: str = "p", *, at: int = HOUR, currency: str = "CNY") -> Step:
    return step(event_id, "paid", at=at, amount=amount, currency=currency)


def refund(event_id: str, amount: int, refund_id: str = "r", *, at: int = 2 * HOUR, currency: str = "CNY") -> Step:
    return step(event_id, "refunded", at=at, amount=amount, refund=refund_id, currency=currency)


def truth(facts: Sequence[Fact], policy: Mapping[str, Any] = DEFAULT_POLICY) -> Truth:
    tallies = Tallies(Rules([policy]), full_results=True)
    tallies.tell(facts)
    return truth_of(tallies)


class Story(NamedTuple):
    """Facts of one token, the counters of all notes, and of each result outcome/reason and named fields."""

    name: str
    facts: list[Fact]
    notes: dict[str, dict[str, Any]]
    results: dict[str, tuple[str, dict[str, Any]]]


ONE_CLICK = {"n": {"clicks": 1}}
ENTERED = {"n": {"clicks": 1, "clicks_entered": 1, "entries": 1}}


def ordered(gross: int, refunded: int = 0) -> dict[str, dict[str, Any]]:
    money = {"gross_minor": {"CNY": gross}} | ({"refunded_minor": {"CNY": refunded}} if refunded else {})
    return {"n": {"clicks": 1, "clicks_ordered": 1, "orders": 1} | money}


STORIES = [
    Story("a click alone is counted", [click()], ONE_CLICK, {}),
    Story("an entry after its click is credited", [click(), entry()], ENTERED, {"entry:e": ("credited/", {})}),
    Story("an entry at the moment of the click is credited", [click(), entry(at=0)], ENTERED,
          {"entry:e": ("credited/", {})}),
    Story("an entry just before the click is not", [click(), entry(at=-1)], ONE_CLICK,
          {"entry:e": ("refused/before_click", {"nearest_click_id": "c", "nearest_note_id": "n"})}),
    Story("the last moment of the window counts", [click(), entry(at=DAY - 1)], ENTERED,
          {"entry:e": ("credited/", {})}),
    Story("the end of the window does not", [click(), entry(at=DAY)], ONE_CLICK,
          {"entry:e": ("refused/window_passed", {"policy_version": 1, "final_at_ms": T0 + DAY})}),
    Story("an entry without click has no note", [entry()], {}, {"entry:e": ("refused/no_click", {})}),
    Story("an entry elsewhere is refused", [click(), entry(shop=OTHER)], ONE_CLICK,
          {"entry:e": ("refused/other_shop", {"nearest_click_id": "c"})}),
    Story("a comment link leads to the in-app shop only", [click(link="comment", kind="ugc"), entry()],
          {"n": {"clicks_refused": 1}}, {"entry:e": ("refused/click_refused", {})}),
    Story("ordinary notes lead to the in-app shop only", [click(kind="ugc")], {"n": {"clicks_refused": 1}}, {}),
    Story("an unlisted platform is refused", [click(shop=Shop("pdd", "1"))], {"n": {"clicks_refused": 1}}, {}),
    Story("a closed category is refused", [click(category="auto.parts")], {"n": {"clicks_refused": 1}}, {}),
    Story("in the app every category is open", [click(shop=Shop("xhs", "1"), category="auto.parts", kind="ugc")],
          ONE_CLICK, {}),
    Story("the last click wins", [click("a", note="m"), click("b", at=10), entry()],
          {"m": {"clicks": 1}} | ENTERED, {"entry:e": ("credited/", {"click_id": "b", "click_at_ms": T0 + 10})}),
    Story("of equal times the greater event id wins", [click("b"), click("a", note="m"), entry()],
          {"m": {"clicks": 1}} | ENTERED, {"entry:e": ("credited/", {"click_id": "b"})}),
    Story("a refused click gives way to an earlier accepted one",
          [click("a"), click("b", at=10, note="m", kind="ugc"), entry()],
          {"m": {"clicks_refused": 1}} | ENTERED, {"entry:e": ("credited/", {"click_id": "a"})}),
    Story("the click that came furthest is the nearest",
          [click("a", category="auto.parts"), click("b", at=2 * DAY), click("d", shop=OTHER, at=HOUR), entry()],
          {"n": {"clicks": 2, "clicks_refused": 1}}, {"entry:e": ("refused/click_refused", {"nearest_click_id": "a"})}),
    Story("two entries are two, of one click", [click(), entry("e"), entry("f")],
          {"n": {"clicks": 1, "clicks_entered": 1, "entries": 2}},
          {"entry:e": ("credited/", {}), "entry:f": ("credited/", {})}),
    Story("the same facts again change nothing", [click(), entry(), click(), entry()], ENTERED,
          {"entry:e": ("credited/", {})}),
    Story("a paid order brings money", [click(), paid()], ordered(1_000),
          {"order:o": ("credited/", {"status": "paid", "gross_minor": 1_000, "net_minor": 1_000, "currency": "CNY"})}),
    Story("a deposit alone is pending", [click(), step("d", "deposit", amount=5)],
          {"n": {"clicks": 1, "orders_pending": 1}},
          {"order:o": ("pending/not_paid", {"gross_minor": 0, "currency": "CNY", "click_id": "c"})}),
    Story("a closed order is withdrawn, paid or not", [click(), paid(), step("x", "closed", at=DAY)],
          {"n": {"clicks": 1, "orders_closed": 1}}, {"order:o": ("withdrawn/order_closed", {"gross_minor": 0})}),
    Story("a frozen order is held", [click(), paid(), step("x", "frozen", at=DAY)],
          {"n": {"clicks": 1, "orders_held": 1}}, {"order:o": ("held/order_frozen", {"status": "frozen"})}),
    Story("a released order is credited again",
          [click(), paid(), step("y", "unfrozen", at=2 * DAY), step("x", "frozen", at=DAY)],
          ordered(1_000), {"order:o": ("credited/", {"status": "unfrozen"})}),
    Story("refunds add up", [click(), paid(), refund("a", 100, "r1"), refund("b", 200, "r2")], ordered(1_000, 300),
          {"order:o": ("credited/", {"refunded_minor": 300, "net_minor": 700})}),
    Story("the latest step of a refund stands", [click(), paid(), refund("b", 100, at=9 * HOUR), refund("a", 200)],
          ordered(1_000, 100), {"order:o": ("credited/", {"refunded_minor": 100})}),
    Story("a refund is taken back by 0", [click(), paid(), refund("a", 200), refund("b", 0, at=9 * HOUR)],
          ordered(1_000), {"order:o": ("credited/", {"refunded_minor": 0})}),
    Story("more than was paid is not refunded", [click(), paid(), refund("a", 800, "r1"), refund("b", 800, "r2")],
          ordered(1_000, 1_000), {"order:o": ("credited/", {"net_minor": 0})}),
    Story("another currency is ignored", [click(), paid(), refund("a", 800, currency="USD", at=DAY)],
          ordered(1_000), {"order:o": ("credited/", {"status": "paid"})}),
    Story("the earliest payment is the base", [click(), paid(7, "q", at=2 * HOUR), paid(5, "p", at=HOUR)], ordered(5),
          {"order:o": ("credited/", {"at_ms": T0 + HOUR})}),
    Story("the payment decides over the window, not the deposit",
          [click(), step("d", "deposit", amount=1), paid(at=15 * DAY)], ONE_CLICK,
          {"order:o": ("refused/window_passed", {"gross_minor": 0})}),
    Story("of two contents the later stands", [click(), paid(5), paid(7, at=2 * HOUR)], ordered(7),
          {"order:o": ("credited/", {})}),
    Story("of two contents of one time the greater as text stands", [click(), paid(90), paid(100)], ordered(90),
          {"order:o": ("credited/", {})}),
    Story("favourites and carts have windows of their own",
          [click(), action("favourite", "a", at=2 * DAY), action("cart", "b", at=7 * DAY - 1),
           action("cart", "d", at=7 * DAY)], {"n": {"clicks": 1, "favourites": 1, "carts": 1}},
          {"favourite:a": ("credited/", {"kind": "favourite"}), "cart:b": ("credited/", {"kind": "cart"}),
           "cart:d": ("refused/window_passed", {})}),
    Story("the latest figures of a note count as a whole", [click(), metric("b", 7, at=9), metric("a", 9, 3, shares=2)],
          {"n": {"clicks": 1, "reads": 7}}, {}),
    Story("of figures of one time those of the greater event id", [metric("b", 7), metric("a", 9)], {"n": {"reads": 7}},
          {}),
    Story("of two contents of one event the later figures, then the greater as text",
          [metric("a", 9), metric("a", 8, at=1), metric("a", 80, at=1)], {"n": {"reads": 80}}, {}),
    Story("a conflict moves a click to another note", [click(note="m"), click(at=1), entry()], ENTERED,
          {"entry:e": ("credited/", {"note_id": "n"})}),
]  # fmt: skip


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_truth_is_what_one_works_out_by_hand(story: Story) -> None:
    found = truth(story.facts)

    assert found.notes == story.notes
    results = {identity: orjson.loads(fields) for identity, fields in found.results.items()}
    assert results.keys() == {f"t {result_id}" for result_id in story.results}
    for result_id, (outcome, fields) in story.results.items():
        result = results[f"t {result_id}"]
        assert f"{result['outcome']}/{result.get('reason', '')}" == outcome
        assert {name: result[name] for name in fields} == fields


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_order_of_the_facts_does_not_matter(story: Story) -> None:
    for seed in range(5):
        assert truth(random.Random(seed).sample(story.facts, len(story.facts))) == truth(story.facts)


def test_a_credited_result_says_all_about_its_click() -> None:
    found = truth([click(campaign="c42", boost="b1"), entry()])

    assert orjson.loads(found.results["t entry:e"]) == {
        "result_id": "entry:e", "kind": "entry", "outcome": "credited", "token": "t",
        "platform": "tmall", "merchant_id": "100", "at_ms": T0 + MINUTE,
        "note_id": "n", "note_kind": "ad", "link": "note", "category": "fmcg.skincare", "campaign_id": "c42",
        "boost_id": "b1", "click_id": "c", "click_at_ms": T0, "policy_version": 1, "final_at_ms": T0 + MINUTE,
    }  # fmt: skip


def test_the_ledger_tells_repeats_from_conflicts() -> None:
    found = truth([paid(5), paid(5), paid(7), paid(7), paid(9)])

    assert found.topics["order"] == {
        "consumed": 5, "distinct": 1, "duplicates": 4, "conflicts": 2, "invalid": {}, "forwarded": 0,
    }  # fmt: skip


def test_figures_are_absorbed_whatever_they_say() -> None:
    found = truth([metric("a", 9), metric("a", 9), metric("b", 0, at=9)])

    assert found.topics["note-metric"] == {"consumed": 3, "absorbed": 3, "invalid": {}, "forwarded": 0}
    assert found.notes == {}


def test_an_action_that_only_a_losing_content_makes_may_be_void() -> None:
    found = truth([action("cart"), action("favourite", at=DAY)])

    assert (found.may_be_void, list(found.results)) == (["t cart:a"], ["t favourite:a"])


def test_currency_mismatches_are_counted() -> None:
    assert truth([click(), paid(), refund("a", 1, currency="USD")]).seen == {"currency_mismatch": 1}


def test_an_order_that_only_a_losing_content_makes_may_be_void() -> None:
    found = truth([step("p", "paid", amount=5, order="lost"), step("p", "paid", amount=5, order="kept", at=DAY)])

    assert found.may_be_void == ["t order:lost"]
    assert found.results.keys() == {"t order:kept"}


OVERRIDES: dict[str, Any] = {
    **DEFAULT_POLICY,
    "lead": "1s",
    "platforms": {"tmall": {"windows": {"entry": "2h"}, "lead": "2s"}, "jd": None},
    "categories": {"fmcg": {"windows": {"entry": "3h"}}, "fmcg.skincare": {"lead": "3s"}},
    "campaigns": {"c1": {"windows": {"entry": "4h"}}},
    "gates": [
        {"platform": "tmall", "closed_from_ms": T0 + 10, "closed_to_ms": T0 + 20},
        {"category": "outdoor", "closed_from_ms": T0},
    ],
}


@pytest.mark.parametrize(
    ("clicked", "refusal", "lead_ms", "entry_ms"),
    [
        (click(), None, 3_000, 3 * HOUR),
        (click(campaign="c1"), None, 3_000, 4 * HOUR),
        (click(category="fmcg.snacks"), None, 2_000, 3 * HOUR),
        (click(category="health.supplement"), None, 2_000, 2 * HOUR),
        (click(category="health.supplement", shop=Shop("jd", "1")), None, 1_000, DAY),
        (click(at=10), "gate_closed", 3_000, 3 * HOUR),
        (click(at=20), None, 3_000, 3 * HOUR),
        (click(at=15, kind="ugc"), "gate_closed", 3_000, 3 * HOUR),
        (click(at=15, category="auto.parts"), "category_closed", 2_000, 2 * HOUR),
        (click(category="outdoor.camping"), "gate_closed", 2_000, 2 * HOUR),
        (click(category="outdoors"), "category_closed", 2_000, 2 * HOUR),
        (click(shop=Shop("pdd", "1")), "platform_unknown", 3_000, 3 * HOUR),
    ],
)
def test_each_value_is_looked_up_where_it_is_set_nearest(
    clicked: Click, refusal: str | None, lead_ms: int, entry_ms: int
) -> None:
    terms = Rules([OVERRIDES]).terms(clicked)

    assert (terms.refusal, terms.lead_ms, terms.windows_ms["entry"]) == (refusal, lead_ms, entry_ms)
    assert terms.greatest_lead_ms == 3_000


def test_the_policy_of_a_click_is_the_one_in_force_at_its_time() -> None:
    later = {**DEFAULT_POLICY, "version": 2, "effective_from_ms": T0}
    latest = {**DEFAULT_POLICY, "version": 3, "effective_from_ms": T0}
    rules = Rules([latest, {**DEFAULT_POLICY, "effective_from_ms": T0 - 10}, later])

    assert [rules.terms(click(at=at)).version for at in (-20, -10, -1, 0, DAY)] == [1, 1, 1, 3, 3]


@pytest.mark.parametrize(
    ("text", "expected_ms"), [("0s", 0), ("5s", 5_000), ("2m", 120_000), ("3h", 3 * HOUR), ("7d", 7 * DAY)]
)
def test_durations(text: str, expected_ms: int) -> None:
    assert duration_ms(text) == expected_ms


@pytest.mark.parametrize("text", ["", "5", "d", "1w", "-1d", "1.5h", " 1d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        duration_ms(text)
