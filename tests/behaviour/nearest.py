"""Stories of facts without a candidate: why they are refused, and which click came nearest.

Clicks from ordinary notes to Tmall are refused here: such notes may not lead there.
"""

from tests.behaviour.builders import DAY, HOUR, Story, click, entry, refused, step

STORIES = [
    Story(
        name="without any click there is no nearest one, no policy and no time at which it is final",
        records=[entry("e", at=0), step("closed", at=1)],
        counters={},
        results={
            "entry:e": refused("no_click", nearest_note_id=None, note_id=None, policy_version=None, final_at_ms=None),
            "order:o1": refused("no_click", status="closed", nearest_note_id=None, gross_minor=0),
        },
    ),
    Story(
        name="a click to another merchant or platform is another shop's",
        records=[click(at=0, merchant_id="m2"), click(at=1, platform="taobao"), entry(at=2)],
        counters={"n1": {"clicks": 2}},
        results={"entry:entry@2": refused("other_shop", "click@1", nearest_note_id="n1", note_id=None)},
    ),
    Story(
        name="before the click is nearer than another shop",
        records=[click(at=2, note="n2"), click(at=0, note="n1", merchant_id="m2"), entry(at=1)],
        counters={"n1": {"clicks": 1}, "n2": {"clicks": 1}},
        results={"entry:entry@1": refused("before_click", "click@2", nearest_note_id="n2")},
    ),
    Story(
        name="another shop stays another shop, before the click or after its window",
        records=[click(at=0, merchant_id="m2"), click(at=3 * DAY, merchant_id="m2"), entry(at=2 * DAY)],
        counters={"n1": {"clicks": 2}},
        results={f"entry:entry@{2 * DAY}": refused("other_shop", f"click@{3 * DAY}")},
    ),
    Story(
        name="a window that passed is nearer than a click still to come",
        records=[click(at=0), click(at=3 * DAY), entry(at=2 * DAY)],
        counters={"n1": {"clicks": 2}},
        results={f"entry:entry@{2 * DAY}": refused("window_passed", "click@0")},
    ),
    Story(
        name="a refused click inside its window is nearest of all",
        records=[click(at=2 * DAY, note="n2", note_kind="ugc"), click(at=0), entry(at=2 * DAY + 1)],
        counters={"n1": {"clicks": 1}, "n2": {"clicks_refused": 1}},
        results={f"entry:entry@{2 * DAY + 1}": refused("click_refused", f"click@{2 * DAY}", nearest_note_id="n2")},
    ),
    Story(
        name="a refused click outside its window is outside, not refused",
        records=[click(at=0, note_kind="ugc"), entry(at=DAY), entry(at=-1), entry(at=1, merchant_id="m2")],
        counters={"n1": {"clicks_refused": 1}},
        results={
            f"entry:entry@{DAY}": refused("window_passed", "click@0"),
            "entry:entry@-1": refused("before_click", "click@0"),
            "entry:entry@1": refused("other_shop", "click@0"),
        },
    ),
    Story(
        name="of clicks equally far the greatest is nearest, by time and then by event id",
        records=[click("kb", at=0), click("ka", at=HOUR), click("kc", at=0), entry(at=2 * DAY), entry(at=-1)],
        counters={"n1": {"clicks": 3}},
        results={
            f"entry:entry@{2 * DAY}": refused("window_passed", "ka"),
            "entry:entry@-1": refused("before_click", "ka"),
        },
    ),
    Story(
        name="of clicks equally far and of the same time the greater event id is nearest",
        records=[click("k9", note="n9"), click("k10", note="n10"), entry(at=-1)],
        counters={"n9": {"clicks": 1}, "n10": {"clicks": 1}},
        results={"entry:entry@-1": refused("before_click", "k9", nearest_note_id="n9")},
    ),
]
