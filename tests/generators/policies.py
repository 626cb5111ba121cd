"""Policy documents as YAML gives them: the one that ships, and sets of hard ones around it."""

from typing import Any, TypeAlias

from hypothesis import strategies as st

from tests.generators.choices import Choices, Drawn, pick, seldom

Document: TypeAlias = dict[str, Any]

MIDNIGHT_MS = 1_750_176_000_000
"""Midnight in Shanghai at the beginning of the 618 festival: the origin of all generated times."""

HOUR_MS = 3_600_000
ANCHORS_MS = (0, HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS)
"""Clicks, gates and policies cluster around these times after the origin."""

DEFAULT_POLICY: Document = {
    "version": 1,
    "effective_from_ms": 0,
    "model": "last_click",
    "lead": "0s",
    "windows": {"entry": "1d", "favourite": "7d", "cart": "7d", "order": "15d"},
    "retention_slack": "1d",
    "order_life": "180d",
    "industries": {"fmcg": "open", "outdoor": "open", "health": "open", "*": "closed"},
    "platforms": {
        "taobao": {},
        "tmall": {},
        "jd": {"windows": {"order": "7d"}},
        "xhs": {"industries": {"*": "open"}},
    },
    "links": [
        {"link": "note", "kinds": ["ad"], "platforms": ["*"]},
        {"link": "note", "kinds": ["*"], "platforms": ["xhs"]},
        {"link": "comment", "kinds": ["*"], "platforms": ["xhs"]},
    ],
    "gates": [],
    "categories": {},
    "campaigns": {},
}
"""The policy that ships."""

# Few and short, so that the windows of one click end inside those of another.
DURATIONS = ("2h", "60m", "3h", "1d", "3600s", "90m", "4h", "0s")
LEADS = ("0s", "1s", "1h", "90m", "2h")
STAGES = ("entry", "favourite", "cart", "order")
CATEGORIES = ("fmcg", "fmcg.skincare", "fmcg.skincare.cream", "fmcg.food", "toys", "toys.outdoor", "health", "fmcgoods")
CAMPAIGNS = ("c1", "c2")
PLATFORMS = ("tmall", "jd", "xhs", "taobao")


def some_policies(choices: Choices) -> list[Document]:
    """One to four policies, the default one among them as a rule, that change places while the journeys run."""
    of_old = [] if seldom(choices, 3) else [DEFAULT_POLICY]
    hard = choices.below(4 if of_old else 3) + (0 if of_old else 1)
    return of_old + [_policy(choices, version) for version in range(2, 2 + hard)]


@st.composite
def policies(draw: st.DrawFn) -> list[Document]:
    """Sets of policies that shrink towards the default one alone."""
    of_old = [] if draw(st.booleans()) else [DEFAULT_POLICY]
    hard = draw(st.lists(_policies(), min_size=0 if of_old else 1, max_size=3))
    return of_old + [policy | {"version": version} for version, policy in enumerate(hard, start=2)]


@st.composite
def _policies(draw: st.DrawFn) -> Document:
    return _policy(Drawn(draw), version=1)


def some_moment(choices: Choices) -> int:
    """A time at an anchor, or a millisecond beside it."""
    return MIDNIGHT_MS + pick(choices, ANCHORS_MS) + pick(choices, (0, 0, 0, -1, 1))


def _policy(choices: Choices, version: int) -> Document:
    return {
        **DEFAULT_POLICY,
        "version": version,
        "effective_from_ms": 0 if seldom(choices, 4) else some_moment(choices),
        "lead": pick(choices, LEADS),
        "windows": {stage: pick(choices, DURATIONS) for stage in STAGES},
        "industries": _industries(choices, DEFAULT_POLICY["industries"]),
        "platforms": {platform: _platform(choices, platform) for platform in _platforms(choices)},
        "gates": [_gate(choices) for _ in range(choices.below(3))],
        "categories": {pick(choices, CATEGORIES): _overrides(choices) for _ in range(choices.below(4))},
        "campaigns": {pick(choices, CAMPAIGNS): _overrides(choices) for _ in range(choices.below(3))},
    }


def _platforms(choices: Choices) -> tuple[str, ...]:
    """All platforms as a rule; else all but jd, which is then unknown."""
    return PLATFORMS if not seldom(choices, 4) else tuple(name for name in PLATFORMS if name != "jd")


def _platform(choices: Choices, platform: str) -> Document:
    document = _overrides(choices) if seldom(choices, 2) else dict(DEFAULT_POLICY["platforms"][platform])
    if seldom(choices, 3):
        document["industries"] = _industries(choices, {})
    return document


def _overrides(choices: Choices) -> Document:
    """A lead, some of the windows, both or neither."""
    document: Document = {}
    if seldom(choices, 2):
        document["lead"] = pick(choices, LEADS)
    windows = {pick(choices, STAGES): pick(choices, DURATIONS) for _ in range(choices.below(4))}
    return document | {"windows": windows} if windows else document


def _industries(choices: Choices, known: Document) -> Document:
    changes = {pick(choices, CATEGORIES): pick(choices, ("open", "closed")) for _ in range(choices.below(3))}
    if seldom(choices, 4):
        changes["*"] = pick(choices, ("open", "closed"))
    return known | changes


def _gate(choices: Choices) -> Document:
    """Closed for a while or for good, for one platform or all, one category with all below it or all."""
    gate: Document = {"closed_from_ms": some_moment(choices)}
    if not seldom(choices, 3):
        gate["closed_to_ms"] = gate["closed_from_ms"] + pick(choices, (1, HOUR_MS, HOUR_MS + 1))
    if not seldom(choices, 3):
        gate["platform"] = pick(choices, ("tmall", "*", "xhs"))
    if not seldom(choices, 3):
        gate["category"] = pick(choices, ("fmcg.skincare", "*", "fmcg", "toys"))
    return gate
