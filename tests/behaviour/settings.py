"""Stories of leads to the millisecond, and of the places that set leads and windows, each value by itself."""

from tests.behaviour.builders import (
    DAY,
    MINUTE,
    SECOND,
    Story,
    after,
    click,
    credited,
    entry,
    paid,
    platforms,
    policy,
    refused,
    windows,
)

ORDERED = {"clicks": 1, "orders": 1, "clicks_ordered": 1, "gross_minor": {"CNY": 100}}

LEADS = [
    Story(
        name="a fact at the very time of the click is credited",
        records=[click(), entry(at=0)],
        counters={"n1": {"clicks": 1, "entries": 1, "clicks_entered": 1}},
        results={"entry:entry@0": credited(final_at_ms=after(0))},
    ),
    Story(
        name="without a lead a fact one millisecond before the click is refused",
        records=[click(), entry(at=-1)],
        counters={"n1": {"clicks": 1}},
        results={"entry:entry@-1": refused("before_click", "click@0")},
    ),
    Story(
        name="a fact as early as the lead allows is credited, one millisecond earlier it is refused",
        records=[click(), entry(at=-5 * SECOND), entry(at=-5 * SECOND - 1)],
        policies=[policy(lead="5s")],
        counters={"n1": {"clicks": 1, "entries": 1, "clicks_entered": 1}},
        results={
            "entry:entry@-5000": credited(final_at_ms=after(0)),
            "entry:entry@-5001": refused("before_click", "click@0", final_at_ms=after(-1)),
        },
    ),
    Story(
        name="within the lead a click after the fact is the greatest candidate",
        records=[click(at=0, note="n1"), click(at=10 * SECOND, note="n2"), entry(at=5 * SECOND)],
        policies=[policy(lead="5s")],
        counters={"n1": {"clicks": 1}, "n2": {"clicks": 1, "entries": 1, "clicks_entered": 1}},
        results={"entry:entry@5000": credited("click@10000", note_id="n2")},
    ),
    Story(
        name="a window of nothing leaves the lead alone",
        records=[click(), entry(at=-1), entry(at=0)],
        policies=[policy(lead="1s", windows=windows(entry="0s"))],
        counters={"n1": {"clicks": 1, "entries": 1, "clicks_entered": 1}},
        results={"entry:entry@-1": credited(), "entry:entry@0": refused("window_passed", "click@0")},
    ),
]

OVERRIDES = [
    Story(
        name="a platform's window is its own, the others are those of the top",
        records=[
            click(platform="jd"),
            paid(at=7 * DAY - 1, order="o1", platform="jd"),
            paid(at=7 * DAY, order="o2", platform="jd"),
            entry(at=DAY - 1, platform="jd"),
        ],
        counters={"n1": {**ORDERED, "entries": 1, "clicks_entered": 1}},
        results={
            "order:o1": credited(),
            "order:o2": refused("window_passed", "click@0"),
            f"entry:entry@{DAY - 1}": credited(),
        },
    ),
    Story(
        name="a category's window goes before its platform's",
        records=[
            click(platform="jd", category="health"),
            paid(at=30 * DAY - 1, order="o1", platform="jd"),
            paid(at=30 * DAY, order="o2", platform="jd"),
        ],
        policies=[policy(categories={"health": {"windows": {"order": "30d"}}})],
        counters={"n1": ORDERED},
        results={"order:o1": credited(), "order:o2": refused("window_passed", "click@0")},
    ),
    Story(
        name="a campaign's window goes before its category's, also when it is shorter",
        records=[
            click(at=0, campaign_id="c42", note="n1"),
            paid(at=3 * DAY - 1, order="o1"),
            paid(at=3 * DAY, order="o2"),
            click(at=0, campaign_id="c43", note="n2", token="t2"),
            paid(at=3 * DAY, order="o3", token="t2"),
        ],
        policies=[
            policy(campaigns={"c42": {"windows": {"order": "3d"}}}, categories={"fmcg": {"windows": {"order": "30d"}}})
        ],
        counters={"n1": ORDERED, "n2": ORDERED},
        results={
            "order:o1": credited(campaign_id="c42"),
            "order:o2": refused("window_passed", "click@0"),
            "t2/order:o3": credited(campaign_id="c43"),
        },
    ),
    Story(
        name="the nearest ancestor that sets the very value gives it",
        records=[
            click(category="fmcg.skincare.cream"),
            entry(at=2 * DAY - 1),
            entry(at=2 * DAY),
            paid(at=30 * DAY - 1, order="o1"),
            paid(at=30 * DAY, order="o2"),
            click(category="fmcg.food", token="t2", note="n2"),
            entry(at=DAY, token="t2"),
        ],
        policies=[
            policy(
                categories={
                    "fmcg": {"windows": {"order": "30d", "entry": "1h"}},
                    "fmcg.skincare": {"windows": {"entry": "2d"}},
                    "fmcg.skincare.cream": {"lead": "1s"},
                    "fmcg.foo": {"windows": {"entry": "9d"}},
                }
            )
        ],
        counters={"n1": {**ORDERED, "entries": 1, "clicks_entered": 1}, "n2": {"clicks": 1}},
        results={
            f"entry:entry@{2 * DAY - 1}": credited(),
            f"entry:entry@{2 * DAY}": refused("window_passed", "click@0"),
            "order:o1": credited(),
            "order:o2": refused("window_passed", "click@0"),
            f"t2/entry:entry@{DAY}": refused("window_passed", "click@0"),
        },
    ),
    Story(
        name="lead and each window come from different places at once",
        records=[
            click(platform="jd", campaign_id="c42", category="fmcg.skincare"),
            entry(at=-5 * SECOND, platform="jd"),
            entry(at=-5 * SECOND - 1, platform="jd"),
            entry(at=2 * DAY - 1, platform="jd"),
            paid(at=7 * DAY - 1, order="o1", platform="jd"),
            paid(at=7 * DAY, order="o2", platform="jd"),
        ],
        policies=[
            policy(
                lead="1m",
                campaigns={"c42": {"lead": "5s"}},
                categories={"fmcg": {"windows": {"entry": "2d"}, "lead": "10s"}},
            )
        ],
        counters={"n1": {**ORDERED, "entries": 2, "clicks_entered": 1}},
        results={
            "entry:entry@-5000": credited(final_at_ms=after(MINUTE - 5 * SECOND)),
            "entry:entry@-5001": refused("before_click", "click@0"),
            f"entry:entry@{2 * DAY - 1}": credited(),
            "order:o1": credited(),
            "order:o2": refused("window_passed", "click@0"),
        },
    ),
    Story(
        name="a platform's lead is found when neither campaign nor category sets one",
        records=[
            click(platform="jd", campaign_id="c42"),
            entry(at=-2 * MINUTE, platform="jd"),
            click(at=0, token="t2", note="n2"),
            entry(at=-1, token="t2"),
        ],
        policies=[
            policy(
                platforms=platforms(jd={"lead": "2m"}),
                campaigns={"c42": {"windows": {"order": "3d"}}},
                categories={"fmcg": {"windows": {"order": "3d"}}},
            )
        ],
        counters={"n1": {"clicks": 1, "entries": 1, "clicks_entered": 1}, "n2": {"clicks": 1}},
        results={
            f"entry:entry@{-2 * MINUTE}": credited(),
            "t2/entry:entry@-1": refused("before_click", "click@0"),
        },
    ),
    Story(
        name="a result is final after the greatest lead that stands anywhere in the policy of its click",
        records=[click(at=day * DAY) for day in range(4)] + [entry(at=day * DAY) for day in range(4)],
        policies=[
            policy(1, lead="90s", campaigns={"c42": {"lead": "1s"}}),
            policy(2, effective_from_ms=after(DAY), lead="90s", campaigns={"c42": {"lead": "5m"}}),
            policy(3, effective_from_ms=after(2 * DAY), categories={"toys": {"lead": "1h"}}),
            policy(4, effective_from_ms=after(3 * DAY), platforms=platforms(taobao={"lead": "2d"})),
        ],
        counters={"n1": {"clicks": 4, "entries": 4, "clicks_entered": 4}},
        results={
            f"entry:entry@{day * DAY}": credited(
                f"click@{day * DAY}", policy_version=day + 1, final_at_ms=after(day * DAY + lead_ms)
            )
            for day, lead_ms in enumerate((90 * SECOND, 5 * MINUTE, 60 * MINUTE, 2 * DAY))
        },
    ),
    Story(
        name="a credited result is final by the policy of its click, not of a later one",
        records=[click(at=0), click(at=DAY, merchant_id="m2"), paid(at=DAY)],
        policies=[policy(1, campaigns={"c42": {"lead": "5m"}}), policy(2, effective_from_ms=after(DAY), lead="1h")],
        counters={"n1": {"clicks": 2, "orders": 1, "clicks_ordered": 1, "gross_minor": {"CNY": 100}}},
        results={"order:o1": credited("click@0", policy_version=1, final_at_ms=after(DAY + 5 * MINUTE))},
    ),
    Story(
        name="a refused result is final by the nearest click's policy",
        records=[click(at=0, merchant_id="m2"), click(at=DAY, merchant_id="m2"), paid(at=DAY)],
        policies=[policy(1), policy(2, effective_from_ms=after(DAY), lead="1h")],
        counters={"n1": {"clicks": 2}},
        results={
            "order:o1": refused("other_shop", f"click@{DAY}", policy_version=2, final_at_ms=after(DAY + 60 * MINUTE))
        },
    ),
]

STORIES = [*LEADS, *OVERRIDES]
