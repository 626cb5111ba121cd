"""Stories of credit: the stages' windows to the millisecond, and the winning click."""

from tests.behaviour.builders import (
    DAY,
    MINUTE,
    Expected,
    Story,
    after,
    cart,
    click,
    credited,
    entry,
    favourite,
    paid,
    policy,
    refused,
)
from tests.generators.records import Written

STAGES: list[tuple[str, int, dict[int, Written], Expected]] = [
    ("entry", DAY, {at: entry("x", at=at) for at in (DAY - 1, DAY)}, {"entries": 1, "clicks_entered": 1}),
    ("favourite", 7 * DAY, {at: favourite("x", at=at) for at in (7 * DAY - 1, 7 * DAY)}, {"favourites": 1}),
    ("cart", 7 * DAY, {at: cart("x", at=at) for at in (7 * DAY - 1, 7 * DAY)}, {"carts": 1}),
    (
        "order",
        15 * DAY,
        {at: paid("p", at=at, order="x") for at in (15 * DAY - 1, 15 * DAY)},
        {"orders": 1, "clicks_ordered": 1, "gross_minor": {"CNY": 100}},
    ),
]

WINDOW_EDGES = [
    story
    for kind, window_ms, facts, counters in STAGES
    for story in (
        Story(
            name=f"the last millisecond of the {kind} window is inside",
            records=[click(), facts[window_ms - 1]],
            counters={"n1": {"clicks": 1, **counters}},
            results={f"{kind}:x": credited(kind=kind)},
        ),
        Story(
            name=f"the end of the {kind} window is outside",
            records=[click(), facts[window_ms]],
            counters={"n1": {"clicks": 1}},
            results={f"{kind}:x": refused("window_passed", "click@0", kind=kind)},
        ),
    )
]

WINNERS = [
    Story(
        name="the last click before the fact gets all the credit",
        records=[click(at=0, note="n1"), click(at=1, note="n2"), entry(at=2)],
        counters={"n1": {"clicks": 1}, "n2": {"clicks": 1, "entries": 1, "clicks_entered": 1}},
        results={"entry:entry@2": credited("click@1", note_id="n2", click_at_ms=after(1))},
    ),
    Story(
        name="a click after the fact takes nothing",
        records=[click(at=0, note="n1"), click(at=3, note="n2"), entry(at=2)],
        counters={"n1": {"clicks": 1, "entries": 1, "clicks_entered": 1}, "n2": {"clicks": 1}},
        results={"entry:entry@2": credited("click@0")},
    ),
    Story(
        name="of clicks of the same time the greater event id wins, as text: k9 beats k10",
        records=[click("k9", note="n9"), click("k10", note="n10"), entry(at=1)],
        counters={"n9": {"clicks": 1, "entries": 1, "clicks_entered": 1}, "n10": {"clicks": 1}},
        results={"entry:entry@1": credited("k9")},
    ),
    Story(
        name="a better click that arrives late takes the credit over",
        records=[click(at=0, note="n1"), entry(at=9), paid(at=10), click(at=8, note="n2")],
        counters={
            "n1": {"clicks": 1},
            "n2": {
                "clicks": 1,
                "entries": 1,
                "clicks_entered": 1,
                "orders": 1,
                "clicks_ordered": 1,
                "gross_minor": {"CNY": 100},
            },
        },
        results={"entry:entry@9": credited("click@8"), "order:o1": credited("click@8")},
    ),
    Story(
        name="facts that arrive before their click are credited once it is there",
        records=[cart(at=2), entry(at=1), click()],
        counters={"n1": {"clicks": 1, "entries": 1, "clicks_entered": 1, "carts": 1}},
        results={"entry:entry@1": credited(), "cart:cart@2": credited()},
    ),
    Story(
        name="an earlier click with a longer window is credited when the later one's window has passed",
        records=[click(at=0, note="n1", campaign_id="long"), click(at=1, note="n2"), entry(at=1 + DAY)],
        policies=[policy(campaigns={"long": {"windows": {"entry": "2d"}}})],
        counters={"n1": {"clicks": 1, "entries": 1, "clicks_entered": 1}, "n2": {"clicks": 1}},
        results={f"entry:entry@{1 + DAY}": credited("click@0", campaign_id="long")},
    ),
    Story(
        name="a refused click does not take the credit from an accepted one before it",
        records=[click(at=0, note="n1"), click(at=1, note="n2", note_kind="ugc"), entry(at=2)],
        counters={"n1": {"clicks": 1, "entries": 1, "clicks_entered": 1}, "n2": {"clicks_refused": 1}},
        results={"entry:entry@2": credited("click@0")},
        refusals={"click@0": None, "click@1": "link_unauthorised"},
    ),
    Story(
        name="two shops under one token are credited each to its own click",
        records=[
            click(at=0, note="n1"),
            click(at=1, note="n2", platform="jd", merchant_id="m2"),
            entry(at=2),
            entry(at=3, platform="jd", merchant_id="m2"),
            paid(at=4, order="o1"),
            paid(at=5, order="o2", platform="jd", merchant_id="m2", amount=70),
        ],
        counters={
            note: {"clicks": 1, "entries": 1, "clicks_entered": 1, "orders": 1, "clicks_ordered": 1} | money
            for note, money in (("n1", {"gross_minor": {"CNY": 100}}), ("n2", {"gross_minor": {"CNY": 70}}))
        },
        results={
            "entry:entry@2": credited("click@0", platform="tmall", merchant_id="m1"),
            "entry:entry@3": credited("click@1", platform="jd", merchant_id="m2"),
            "order:o1": credited("click@0"),
            "order:o2": credited("click@1"),
        },
    ),
    Story(
        name="a click that wins several entries and orders is one entered and one ordered click",
        records=[click(), entry(at=1), entry(at=2), paid(at=3, order="o1"), paid(at=4, order="o2")],
        counters={
            "n1": {
                "clicks": 1,
                "entries": 2,
                "clicks_entered": 1,
                "orders": 2,
                "clicks_ordered": 1,
                "gross_minor": {"CNY": 200},
            }
        },
        results={name: credited() for name in ("entry:entry@1", "entry:entry@2", "order:o1", "order:o2")},
    ),
    Story(
        name="favourites and carts make no click an entered one",
        records=[click(), favourite(at=1), cart(at=1)],
        counters={"n1": {"clicks": 1, "favourites": 1, "carts": 1}},
        results={"favourite:favourite@1": credited(), "cart:cart@1": credited()},
    ),
    Story(
        name="each stage has a winner of its own",
        records=[click(at=0, note="n1"), entry(at=1), click(at=2, note="n2"), paid(at=3)],
        counters={
            "n1": {"clicks": 1, "entries": 1, "clicks_entered": 1},
            "n2": {"clicks": 1, "orders": 1, "clicks_ordered": 1, "gross_minor": {"CNY": 100}},
        },
        results={"entry:entry@1": credited("click@0"), "order:o1": credited("click@2")},
    ),
    Story(
        name="midnight in Shanghai cuts no window",
        records=[click(at=-1), entry(at=0), entry(at=DAY - 2), entry(at=DAY - 1)],
        counters={"n1": {"clicks": 1, "entries": 2, "clicks_entered": 1}},
        results={
            "entry:entry@0": credited("click@-1"),
            f"entry:entry@{DAY - 2}": credited("click@-1"),
            f"entry:entry@{DAY - 1}": refused("window_passed", "click@-1"),
        },
    ),
    Story(
        name="a credited result says everything about its click",
        records=[
            click(
                "k",
                platform="xhs",
                link="comment",
                note_kind="ugc",
                campaign_id="c1",
                creator_id="w1",
                poster_id="w2",
                boost_id="b1",
                category="toys",
            ),
            entry("e", at=MINUTE, platform="xhs"),
        ],
        policies=[policy(7)],
        counters={"n1": {"clicks": 1, "entries": 1, "clicks_entered": 1}},
        results={
            "entry:e": {
                "result_id": "entry:e",
                "kind": "entry",
                "outcome": "credited",
                "reason": None,
                "token": "t1",
                "platform": "xhs",
                "merchant_id": "m1",
                "at_ms": after(MINUTE),
                "note_id": "n1",
                "note_kind": "ugc",
                "link": "comment",
                "campaign_id": "c1",
                "creator_id": "w1",
                "poster_id": "w2",
                "boost_id": "b1",
                "category": "toys",
                "click_id": "k",
                "click_at_ms": after(0),
                "nearest_note_id": None,
                "nearest_click_id": None,
                "order_id": None,
                "status": None,
                "policy_version": 7,
                "final_at_ms": after(MINUTE),
            }
        },
    ),
]

STORIES = [*WINDOW_EDGES, *WINNERS]
