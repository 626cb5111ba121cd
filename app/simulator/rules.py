"""The policy as the truth reads it: straight from the documents, one plain lookup per question.

Written apart from the streaming core on purpose: the truth must not share its mistakes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from app.simulator.facts import Click, Link

Document: TypeAlias = Mapping[str, Any]

STAGES = ("entry", "favourite", "cart", "order")

DEFAULT_POLICY: Document = {
    "version": 1,
    "effective_from_ms": 0,
    "lead": "0s",
    "windows": {"entry": "1d", "favourite": "7d", "cart": "7d", "order": "15d"},
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

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Terms(NamedTuple):
    """What a policy says about one click; times in ms."""

    refusal: str | None
    version: int
    lead_ms: int
    windows_ms: dict[str, int]
    greatest_lead_ms: int  # anywhere in the policy


class Rules:
    """The policies of a truth; remembers what it has looked up."""

    def __init__(self, documents: Sequence[Document] = (DEFAULT_POLICY,)) -> None:
        self._documents = sorted(documents, key=lambda document: (document["effective_from_ms"], document["version"]))
        self._known: dict[tuple[Any, ...], Terms] = {}

    def terms(self, click: Click) -> Terms:
        """The terms of a click under the policy of its time."""
        place = self._place(click.at_ms) if len(self._documents) > 1 else 0
        gates = self._documents[place].get("gates")
        shut = gates is not None and any(_shuts(gate, click) for gate in gates)
        key = (place, shut, click.to.wire)
        terms = self._known.get(key)
        if terms is None:
            terms = self._known[key] = self._terms_of_similar(place, click.to, shut=shut)
        return terms

    def _terms_of_similar(self, place: int, to: Link, *, shut: bool) -> Terms:
        key = (place, shut, to.shop.platform, to.category, to.campaign_id, to.link, to.note_kind)
        if key not in self._known:
            self._known[key] = _read(self._documents[place], to, shut=shut)
        return self._known[key]

    def _place(self, at_ms: int) -> int:
        begun = [place for place, document in enumerate(self._documents) if document["effective_from_ms"] <= at_ms]
        return begun[-1] if begun else 0


def _read(document: Document, to: Link, *, shut: bool) -> Terms:
    places = [place for place in _places(document, to) if place]
    return Terms(
        refusal=_refusal(document, to, shut=shut),
        version=document["version"],
        lead_ms=next(duration_ms(place["lead"]) for place in places if place.get("lead")),
        windows_ms={
            stage: next(duration_ms(text) for place in places if (text := (place.get("windows") or {}).get(stage)))
            for stage in STAGES
        },
        greatest_lead_ms=max(_leads_ms(document)),
    )


def _places(document: Document, to: Link) -> Iterator[Mapping[str, Any] | None]:
    """Where a lead or a window may be set, in the order in which it is looked up."""
    yield (document.get("campaigns") or {}).get(to.campaign_id)
    for category in _upwards(to.category):
        yield (document.get("categories") or {}).get(category)
    yield (document.get("platforms") or {}).get(to.shop.platform)
    yield document
    yield {"lead": "0s"}


def _refusal(document: Document, to: Link, *, shut: bool) -> str | None:
    platforms = document.get("platforms") or {}
    if to.shop.platform not in platforms:
        return "platform_unknown"
    own = _openness((platforms[to.shop.platform] or {}).get("industries") or {}, to.category)
    if (own or _openness(document.get("industries") or {}, to.category)) != "open":
        return "category_closed"
    if shut:
        return "gate_closed"
    if not any(_fits(line, to) for line in document.get("links") or ()):
        return "link_unauthorised"
    return None


def _openness(industries: Mapping[str, str], category: str) -> str | None:
    for name in [*_upwards(category), "*"]:
        if name in industries:
            return industries[name]
    return None


def _fits(line: Mapping[str, Any], to: Link) -> bool:
    return (
        line["link"] == to.link
        and bool({"*", to.note_kind} & set(line["kinds"]))
        and bool({"*", to.shop.platform} & set(line["platforms"]))
    )


def _shuts(gate: Mapping[str, Any], click: Click) -> bool:
    return (
        gate.get("platform", "*") in ("*", click.to.shop.platform)
        and gate.get("category", "*") in ("*", *_upwards(click.to.category))
        and gate["closed_from_ms"] <= click.at_ms
        and (gate.get("closed_to_ms") is None or click.at_ms < gate["closed_to_ms"])
    )


def _leads_ms(document: Document) -> Iterator[int]:
    yield duration_ms(document.get("lead") or "0s")
    for place in ("platforms", "categories", "campaigns"):
        for override in (document.get(place) or {}).values():
            yield duration_ms((override or {}).get("lead") or "0s")


def _upwards(category: str) -> list[str]:
    """fmcg.skincare.serum, fmcg.skincare, fmcg."""
    names = [category]
    while "." in names[-1]:
        names.append(names[-1].rpartition(".")[0])
    return names


def duration_ms(text: str) -> int:
    """Milliseconds of a duration such as 15d; raises ValueError."""
    if not re.fullmatch("[0-9]+[smhd]", text):
        raise ValueError(f"not a duration: {text!r}")
    return int(text[:-1]) * _SECONDS[text[-1]] * 1_000
