"""The worked example of docs/semantics.md."""

from tests.behaviour.builders import (
    DAY,
    HOUR,
    MINUTE,
    Story,
    click,
    credited,
    entry,
    paid,
    refund,
    refused,
    step,
)

EXAMPLE = Story(
    name="the worked example: two notes, an order that changes hands, and one that comes too late",
    records=[
        click("k1", at=10 * HOUR, note="note-A"),
        entry("e1", at=10 * HOUR + MINUTE),
        click("k2", at=DAY, note="note-C", link="comment"),
        paid("s1", at=3 * DAY + 21 * HOUR, amount=200_00),
        click("k3", at=2 * DAY + 20 * HOUR, note="note-B"),
        refund("s2", at=5 * DAY, amount=80_00, refund_id="r1"),
        refund("s3", at=6 * DAY, amount=50_00, refund_id="r1"),
        step("frozen", "s4", at=7 * DAY),
        step("unfrozen", "s5", at=8 * DAY),
        paid("s6", at=17 * DAY + 20 * HOUR, amount=60_00, order="o2"),
    ],
    counters={
        "note-A": {"clicks": 1, "entries": 1, "clicks_entered": 1},
        "note-B": {
            "clicks": 1,
            "orders": 1,
            "clicks_ordered": 1,
            "gross_minor": {"CNY": 200_00},
            "refunded_minor": {"CNY": 50_00},
        },
        "note-C": {"clicks_refused": 1},
    },
    results={
        "entry:e1": credited("k1"),
        "order:o1": credited("k3", gross_minor=200_00, refunded_minor=50_00, net_minor=150_00),
        "order:o2": refused("window_passed", "k3"),
    },
    refusals={"k1": None, "k2": "link_unauthorised", "k3": None},
)

STORIES = [EXAMPLE]
