"""Stories of clicks that are accepted or refused: platforms, categories, gates, links, and which policy decides."""

from tests.behaviour.builders import DAY, HOUR, Story, after, click, credited, entry, paid, platforms, policy, refused

INDUSTRIES = [
    Story(
        name="the first reason that applies is the reason",
        records=[
            click("a", platform="douyin", category="toys", note_kind="ugc"),
            click("b", category="toys", note_kind="ugc"),
            click("c", note_kind="ugc"),
            click("d", platform="jd", note_kind="ugc"),
            click("e", platform="jd"),
        ],
        policies=[
            policy(gates=[{"platform": "tmall", "closed_from_ms": 0}, {"platform": "douyin", "closed_from_ms": 0}])
        ],
        counters={"n1": {"clicks": 1, "clicks_refused": 4}},
        refusals={
            "a": "platform_unknown",
            "b": "category_closed",
            "c": "gate_closed",
            "d": "link_unauthorised",
            "e": None,
        },
    ),
    Story(
        name="facts of an unlisted platform are refused because their click is",
        records=[click(platform="douyin"), entry(at=1, platform="douyin"), paid(at=2, platform="douyin")],
        counters={"n1": {"clicks_refused": 1}},
        results={
            "entry:entry@1": refused("click_refused", "click@0", policy_version=1),
            "order:o1": refused("click_refused", "click@0", gross_minor=0),
        },
        refusals={"click@0": "platform_unknown"},
    ),
    Story(
        name="a category is open as its nearest listed ancestor is, else as the asterisk is",
        records=[
            click("a", category="fmcg.food"),
            click("b", category="fmcg.tobacco"),
            click("c", category="fmcg.tobacco.filters.long"),
            click("d", category="fmcg.tobacco.papers"),
            click("e", category="fmcgoods"),
            click("f", category="fmcg"),
        ],
        policies=[
            policy(industries={"fmcg": "open", "fmcg.tobacco": "closed", "fmcg.tobacco.filters": "open", "*": "closed"})
        ],
        counters={"n1": {"clicks": 3, "clicks_refused": 3}},
        refusals={
            "a": None,
            "b": "category_closed",
            "c": None,
            "d": "category_closed",
            "e": "category_closed",
            "f": None,
        },
    ),
    Story(
        name="a category that nothing lists is closed where there is no asterisk and open where the asterisk is open",
        records=[click("a", at=0, category="toys"), click("b", at=1, category="toys")],
        policies=[
            policy(1, industries={"fmcg": "open"}),
            policy(2, industries={"fmcg": "closed", "*": "open"}, effective_from_ms=after(1)),
        ],
        counters={"n1": {"clicks": 1, "clicks_refused": 1}},
        refusals={"a": "category_closed", "b": None},
    ),
    Story(
        name="a platform's own industries come first, and where they do not fit those of the top count",
        records=[
            click("a", category="fmcg.skincare"),
            click("b", category="outdoor"),
            click("c", category="toys"),
            click("d", platform="jd", category="fmcg.skincare"),
        ],
        policies=[policy(platforms=platforms(tmall={"industries": {"fmcg": "closed"}}))],
        counters={"n1": {"clicks": 2, "clicks_refused": 2}},
        refusals={"a": "category_closed", "b": None, "c": "category_closed", "d": None},
    ),
    Story(
        name="a platform's own asterisk hides all industries of the top",
        records=[
            click("a", category="fmcg"),
            click("b", category="toys.games"),
            click("c", platform="xhs", category="anything.at.all"),
        ],
        policies=[policy(platforms=platforms(tmall={"industries": {"*": "closed", "toys": "open"}}))],
        counters={"n1": {"clicks": 2, "clicks_refused": 1}},
        refusals={"a": "category_closed", "b": None, "c": None},
    ),
]

GATES = [
    Story(
        name="a gate is closed from its beginning up to, not including, its end",
        records=[click(at=-1), click(at=0), click(at=HOUR - 1), click(at=HOUR)],
        policies=[policy(gates=[{"platform": "tmall", "closed_from_ms": after(0), "closed_to_ms": after(HOUR)}])],
        counters={"n1": {"clicks": 2, "clicks_refused": 2}},
        refusals={
            "click@-1": None,
            "click@0": "gate_closed",
            f"click@{HOUR - 1}": "gate_closed",
            f"click@{HOUR}": None,
        },
    ),
    Story(
        name="a gate closes its category and all below it, and nothing above or beside",
        records=[
            click("a", category="fmcg"),
            click("b", category="fmcg.skincare"),
            click("c", category="fmcg.skincare.cream"),
            click("d", category="fmcg.skincareful"),
            click("e", category="fmcg.skincare", platform="jd"),
        ],
        policies=[policy(gates=[{"platform": "tmall", "category": "fmcg.skincare", "closed_from_ms": after(0)}])],
        counters={"n1": {"clicks": 3, "clicks_refused": 2}},
        refusals={"a": None, "b": "gate_closed", "c": "gate_closed", "d": None, "e": None},
    ),
    Story(
        name="a gate without platform, category and end closes everything for good",
        records=[click(at=-1), click(at=0), click(at=300 * DAY, platform="xhs", category="toys")],
        policies=[policy(gates=[{"closed_from_ms": after(0)}])],
        counters={"n1": {"clicks": 1, "clicks_refused": 2}},
        refusals={"click@-1": None, "click@0": "gate_closed", f"click@{300 * DAY}": "gate_closed"},
    ),
    Story(
        name="a gate stops clicks, not the orders of clicks before it",
        records=[click(at=-1), paid(at=HOUR)],
        policies=[policy(gates=[{"closed_from_ms": after(0)}])],
        counters={"n1": {"clicks": 1, "orders": 1, "clicks_ordered": 1, "gross_minor": {"CNY": 100}}},
        results={"order:o1": credited("click@-1")},
    ),
]

LINKS = [
    Story(
        name="ad notes lead to every listed shop, other notes and comments to the in-app shop only",
        records=[
            click("a", platform="taobao"),
            click("b", platform="xhs"),
            click("c", platform="xhs", note_kind="ugc"),
            click("d", platform="xhs", note_kind="ugc", link="comment"),
            click("e", platform="jd", note_kind="ugc"),
            click("f", platform="jd", link="comment"),
        ],
        counters={"n1": {"clicks": 4, "clicks_refused": 2}},
        refusals={
            "a": None,
            "b": None,
            "c": None,
            "d": None,
            "e": "link_unauthorised",
            "f": "link_unauthorised",
        },
    ),
    Story(
        name="a link fits only if one line fits in all three",
        records=[click("a"), click("b", platform="jd"), click("c", note_kind="ugc", platform="jd")],
        policies=[
            policy(
                links=[
                    {"link": "note", "kinds": ["ugc"], "platforms": ["jd"]},
                    {"link": "note", "kinds": ["ad"], "platforms": ["tmall", "taobao"]},
                ]
            )
        ],
        counters={"n1": {"clicks": 2, "clicks_refused": 1}},
        refusals={"a": None, "b": "link_unauthorised", "c": None},
    ),
]

VERSIONS = [
    Story(
        name="a policy counts from its first millisecond on",
        records=[click("a", at=HOUR - 1), click("b", at=HOUR)],
        policies=[policy(1), policy(2, effective_from_ms=after(HOUR), industries={"*": "closed"})],
        counters={"n1": {"clicks": 1, "clicks_refused": 1}},
        refusals={"a": None, "b": "category_closed"},
    ),
    Story(
        name="a policy between click and order changes nothing: the click's own one decides",
        records=[click(at=0), paid(at=2 * HOUR, order="o1"), click(at=HOUR, note="n2"), paid(at=3 * HOUR, order="o2")],
        policies=[
            policy(1),
            policy(2, effective_from_ms=after(1), windows=dict.fromkeys(("entry", "favourite", "cart", "order"), "1h")),
        ],
        counters={
            "n1": {"clicks": 1, "orders": 2, "clicks_ordered": 1, "gross_minor": {"CNY": 200}},
            "n2": {"clicks": 1},
        },
        results={"order:o1": credited(policy_version=1), "order:o2": credited(policy_version=1)},
    ),
    Story(
        name="of policies that begin together the greatest version counts, however they are listed",
        records=[click(at=HOUR), entry(at=HOUR)],
        policies=[policy(10, effective_from_ms=after(1)), policy(9, effective_from_ms=after(1)), policy(11)],
        counters={"n1": {"clicks": 1, "entries": 1, "clicks_entered": 1}},
        results={f"entry:entry@{HOUR}": credited(f"click@{HOUR}", policy_version=10)},
    ),
    Story(
        name="before the first policy begins, that one counts already",
        records=[click(), entry(at=0)],
        policies=[policy(1, effective_from_ms=after(2 * HOUR)), policy(2, effective_from_ms=after(HOUR))],
        counters={"n1": {"clicks": 1, "entries": 1, "clicks_entered": 1}},
        results={"entry:entry@0": credited(policy_version=2)},
    ),
]

STORIES = [*INDUSTRIES, *GATES, *LINKS, *VERSIONS]
