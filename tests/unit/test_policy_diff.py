"""`redcat policy diff`: every change that any click can feel is told, with its old and new value, and no other."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

from collections.abc import Iterator
from typing import Any

import pytest

from app.explaining.times import Zone, zone
from app.policies.diff import Change, Difference, Period, difference
from app.policies.diff_boxes import Scope
from app.policies.diff_texts import CHINESE, ENGLISH, told
from streams.core.policy import parse_policy
from tests.behaviour.builders import DAY, HOUR, after, platforms, policy, windows
from tests.generators.choices import Seeded, pick
from tests.generators.journeys import NOTES
from tests.generators.policies import CAMPAIGNS, CATEGORIES, PLATFORMS, STAGES, Document, some_moment, some_policies
from tests.oracle import policy as oracle

SHANGHAI = zone("Asia/Shanghai")
START = policy(1)

Click = dict[str, Any]


def compared(before: list[Document], afterwards: list[Document]) -> Difference:
    """What the second set of documents changes."""
    return difference([parse_policy(one) for one in before], [parse_policy(one) for one in afterwards])


def lines(
    before: list[Document], afterwards: list[Document], *, texts: Any = ENGLISH, at: Zone = SHANGHAI
) -> list[str]:
    """The same in words, without what goes before the first period."""
    said = list(told(compared(before, afterwards), texts, at))
    return said[1:] if said[0].startswith(("Times", "时间")) else said


STORIES = [
    ("a window", {"windows": windows(order="20d")}, "on taobao, tmall, xhs: order window: 15d -> 20d"),
    ("a lead", {"lead": "5s"}, "everywhere: lead: 0s -> 5s"),
    (
        "a window of a platform",
        {"platforms": platforms(jd={"windows": {"order": "10d"}})},
        "on jd: order window: 7d -> 10d",
    ),
    (
        "a window of a category, which goes before the platforms'",
        {"categories": {"health": {"windows": {"entry": "2d"}}}},
        "in health and below: entry window: 1d -> 2d",
    ),
    (
        "a campaign's lead",
        {"campaigns": {"c42": {"lead": "5s"}}},
        "for campaigns c42: lead: 0s -> 5s",
    ),
    (
        "an industry",
        {"industries": {**START["industries"], "toys": "open"}},
        "on taobao, tmall, jd, in toys and below: industry: closed -> open",
    ),
    (
        "a branch of an industry",
        {"industries": {**START["industries"], "fmcg.tobacco": "closed"}},
        "on taobao, tmall, jd, in fmcg.tobacco and below: industry: open -> closed",
    ),
    (
        "links",
        {"links": [*START["links"], {"link": "comment", "kinds": ["ad"], "platforms": ["jd"]}]},
        "on jd: comment links under ad notes: not allowed -> allowed",
    ),
    (
        "a gate",
        {
            "gates": [
                {"platform": "tmall", "category": "fmcg", "closed_from_ms": after(DAY), "closed_to_ms": after(2 * DAY)}
            ]
        },
        "on tmall, in fmcg and below: gate: never closed -> closed 2025-06-19 00:00 until 2025-06-20 00:00",
    ),
    (
        "a platform that goes",
        {"platforms": {name: START["platforms"][name] for name in ("taobao", "tmall", "xhs")}},
        "on jd: not listed any more: every click is refused",
    ),
]


@pytest.mark.parametrize(("change", "expected"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES])
def test_a_change_is_told_in_words_with_where_and_from_when(change: Document, expected: str) -> None:
    said = lines([START], [START, policy(2, effective_from_ms=after(0), **change)])
    assert said[0] == "Clicks from 2025-06-18 00:00 on: version 2 instead of 1"
    assert said[1] == f"  {expected}"
    assert not [line for line in said[2:] if not line.startswith(("  results are final", "Journeys"))]


def test_a_new_platform_is_told_with_all_that_holds_there() -> None:
    changed = platforms(pdd={"industries": {"fmcg": "open", "*": "closed"}, "lead": "9s"})
    assert lines([START], [policy(1, platforms=changed)]) == [
        "Version 1 is in both with different contents, which workers refuse: give it a new number.",
        "All clicks: version 1, with another content",
        "  on pdd: listed now",
        "  on pdd: lead: 9s",
        *(f"  on pdd: {stage} window: {length}" for stage, length in START["windows"].items()),
        "  on pdd, in fmcg and below: industry: open",
        "  on pdd: links of ad notes: allowed",
        "  results are final after 9s instead of 0s",
    ]


def test_categories_below_the_ones_named_that_do_not_change_are_excepted() -> None:
    own = {"health.vitamins": {"windows": {"entry": "5d"}}}
    found = compared([policy(categories=own)], [policy(categories={**own, "health": {"windows": {"entry": "2d"}}})])
    (change,) = found.periods[0].changes
    assert change.categories == Scope(("health",), exceptions=("health.vitamins",))
    (_, _, line) = told(found, ENGLISH, SHANGHAI)
    assert line == "  in health and below without health.vitamins: entry window: 1d -> 2d"


def test_spelling_and_order_make_no_difference() -> None:
    spelled = policy(windows={"order": "360h", "cart": "7d", "entry": "86400s", "favourite": "7d"}, lead="0d")
    found = compared([START], [spelled])
    assert (found.periods, found.kept, found.rewritten) == ([], None, [1])
    assert lines([START], [START]) == ["No difference: all clicks are judged alike."]
    assert lines([START], [START], texts=CHINESE) == ["没有差异：所有点击的判定都相同。"]


def test_a_gate_counts_only_while_its_policy_is_in_force() -> None:
    late = {"gates": [{"closed_from_ms": after(DAY), "closed_to_ms": after(2 * DAY)}]}
    second = policy(2, effective_from_ms=after(HOUR))
    assert compared([START, second], [policy(1, **late), second]).periods == []
    found = compared([START, second], [policy(1, gates=[{"closed_from_ms": after(0)}]), second])
    assert [(period.from_ms, period.to_ms) for period in found.periods] == [(None, after(HOUR))]
    assert [change.after for change in found.periods[0].changes] == [((after(0), None),)]


def test_how_much_longer_journeys_are_kept_is_told() -> None:
    assert lines([START], [START, policy(2, effective_from_ms=after(0), retention_slack="3d")]) == [
        "Clicks from 2025-06-18 00:00 on: version 2 instead of 1",
        "  nothing else changes",
        "Journeys are kept for 18d after their last record, instead of 16d.",
    ]


def covers(scope: Scope, name: str | None) -> bool:
    """Whether a platform or campaign is in a scope."""
    return (name in scope.names) != scope.all_but


def covers_category(scope: Scope, category: str) -> bool:
    """Whether a category is: the nearest that the scope names decides."""
    for name in oracle.lineage(category):
        if name in scope.names:
            return not scope.all_but
        if name in scope.exceptions:
            return scope.all_but
    return scope.all_but


def felt(period: Period | None, click: Click) -> Iterator[Change]:
    """The changes that are said to touch a click."""
    for change in period.changes if period else ():
        if (
            covers(change.platforms, click["platform"])
            and covers(change.campaigns, click["campaign_id"])
            and covers_category(change.categories, click["category"])
            and change.origin in (None, (click["link"], click["note_kind"]))
        ):
            yield change


def judged(document: Document, click: Click) -> dict[tuple[str, str | None], Any]:
    """All that a policy says about a click, worked out by other means."""
    return {
        ("lead", None): oracle.lead_ms(document, click),
        **{("window", stage): oracle.window_ms(document, click, stage) for stage in STAGES},
        ("industry", None): "open" if oracle._industry_is_open(document, click) else "closed",
        ("link", None): any(oracle._line_fits(line, click) for line in document["links"]),
        ("gate", None): any(oracle._gate_is_closed(gate, click) for gate in document["gates"]),
        ("final", None): oracle.greatest_lead_ms(document),
    }


def some_click(choices: Seeded) -> Click:
    """A click to a platform that most policies list."""
    return {
        "at_ms": some_moment(choices),
        "note_id": pick(choices, NOTES),
        "platform": pick(choices, PLATFORMS),
        "category": pick(choices, (*CATEGORIES, "fmcg.food.snacks", "other")),
        "campaign_id": pick(choices, (*CAMPAIGNS, None)),
        "link": pick(choices, ("note", "comment")),
        "note_kind": pick(choices, ("ad", "ugc")),
    }


def is_closed(spans: Any, at_ms: int) -> bool:
    """Whether a gate that is told as these spans is closed at a time."""
    return any((begin is None or begin <= at_ms) and (end is None or at_ms < end) for begin, end in spans or ())


@pytest.mark.parametrize("seed", range(150))
def test_each_click_feels_just_the_changes_that_are_told(seed: int) -> None:
    choices = Seeded(seed)
    before, afterwards = some_policies(choices), some_policies(choices)
    found = compared(before, afterwards)
    for _ in range(40):
        click = some_click(choices)
        period = next(
            (p for p in found.periods if (p.from_ms or 0) <= click["at_ms"] < (p.to_ms or 2**53)),
            None,
        )
        old, new = (oracle.in_force(documents, click["at_ms"]) for documents in (before, afterwards))
        versions = (period.before, period.after) if period else (new["version"], new["version"])
        assert versions == (old["version"], new["version"])
        assert_felt(list(felt(period, click)), old, new, click)


def assert_felt(changes: list[Change], old: Document, new: Document, click: Click) -> None:
    """What is told is what differs."""
    listed = [click["platform"] in document["platforms"] for document in (old, new)]
    assert [(c.before, c.after) for c in changes if c.what == "platform"] == (
        [tuple(listed)] if len(set(listed)) > 1 else []
    )
    if not all(listed):
        return
    said: dict[tuple[str, str | None], Any] = {(one.what, one.stage): (one.before, one.after) for one in changes}
    if spans := said.pop(("gate", None), None):
        closed = tuple(is_closed(each, click["at_ms"]) for each in spans)
        if closed[0] != closed[1]:
            said["gate", None] = closed
    was, becomes = judged(old, click), judged(new, click)
    assert said == {name: (was[name], becomes[name]) for name in was if was[name] != becomes[name]}
