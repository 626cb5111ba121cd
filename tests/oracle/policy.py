"""What a policy document says about a click; the documents are plain dicts, as YAML gives them."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from tests.oracle.intake import Fields

Document: TypeAlias = dict[str, Any]

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def in_force(policies: Sequence[Document], at_ms: int) -> Document:
    """The policy of a click at `at_ms`: of those that have begun the one that began last, then the greatest version.

    Before the first one began, that first one counts already.
    """
    begun = [policy for policy in policies if policy["effective_from_ms"] <= at_ms]
    if not begun:
        first_ms = min(policy["effective_from_ms"] for policy in policies)
        begun = [policy for policy in policies if policy["effective_from_ms"] == first_ms]
    return max(begun, key=lambda policy: (policy["effective_from_ms"], policy["version"]))


def refusal(policy: Document, click: Fields) -> str | None:
    """Why the click is not accepted: the first reason that applies, or None."""
    if click["platform"] not in policy["platforms"]:
        return "platform_unknown"
    if not _industry_is_open(policy, click):
        return "category_closed"
    if any(_gate_is_closed(gate, click) for gate in policy["gates"]):
        return "gate_closed"
    if not any(_line_fits(line, click) for line in policy["links"]):
        return "link_unauthorised"
    return None


def window_ms(policy: Document, click: Fields, stage: str) -> int:
    """How long after the click a fact of this stage may be credited."""
    return next(
        duration_ms(place["windows"][stage]) for place in _places(policy, click) if stage in place.get("windows", {})
    )


def lead_ms(policy: Document, click: Fields) -> int:
    """How long before the click a fact may be credited, because the shop's clock runs ahead."""
    return next(duration_ms(place["lead"]) for place in _places(policy, click) if "lead" in place)


def greatest_lead_ms(policy: Document) -> int:
    """The greatest lead that stands anywhere in the document."""
    overrides = [place for group in ("platforms", "categories", "campaigns") for place in policy[group].values()]
    return max(duration_ms(place["lead"]) for place in (policy, *overrides) if "lead" in place)


def duration_ms(text: str) -> int:
    """Milliseconds of a duration such as 90s, 5m, 12h or 15d."""
    match = re.fullmatch(r"([0-9]+)([smhd])", text)
    if match is None:
        raise ValueError(f"not a duration: {text!r}")
    return int(match[1]) * _UNIT_MS[match[2]]


def lineage(category: str) -> Iterator[str]:
    """The category, then its ancestors from the nearest on."""
    while category:
        yield category
        category = category.rpartition(".")[0]


def _places(policy: Document, click: Fields) -> Iterator[Document]:
    """Where a lead or a window is looked for, in this order; the first place that sets *this* value gives it."""
    yield policy["campaigns"].get(click.get("campaign_id"), {})
    for category in lineage(click["category"]):
        yield policy["categories"].get(category, {})
    yield policy["platforms"].get(click["platform"], {})
    yield policy


def _industry_is_open(policy: Document, click: Fields) -> bool:
    """The platform's own industries answer first, their "*" included; if nothing there fits, those of the top."""
    for industries in (policy["platforms"][click["platform"]].get("industries", {}), policy["industries"]):
        for category in (*lineage(click["category"]), "*"):
            if category in industries:
                return bool(industries[category] == "open")
    return False


def _gate_is_closed(gate: Document, click: Fields) -> bool:
    """Closed from its beginning up to, not including, its end; a category stands for all below it too."""
    return (
        gate.get("platform", "*") in ("*", click["platform"])
        and gate.get("category", "*") in ("*", *lineage(click["category"]))
        and gate["closed_from_ms"] <= click["at_ms"]
        and ("closed_to_ms" not in gate or click["at_ms"] < gate["closed_to_ms"])
    )


def _line_fits(line: Document, click: Fields) -> bool:
    """A line of `links` fits by link, kind of note and platform."""
    return (
        line["link"] == click["link"]
        and ("*" in line["kinds"] or click["note_kind"] in line["kinds"])
        and ("*" in line["platforms"] or click["platform"] in line["platforms"])
    )
