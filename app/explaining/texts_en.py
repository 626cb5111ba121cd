"""What `redcat explain` says, in English; what stands in braces is filled in."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class ExplainTexts(NamedTuple):
    """One language."""

    journey: str
    counts: Mapping[str, str]
    kept: str
    kept_for_ever: str
    policies: str
    times: str
    timeline: str
    results: str
    facts: Mapping[str, str]
    statuses: Mapping[str, str]
    origins: Mapping[tuple[str, str], str]
    campaign: str
    accepted: str
    refusals: Mapping[str, str]
    no_industry: str
    industry: Mapping[str, str]
    gate: Mapping[bool, str]
    anything: str
    won: str
    lost: Mapping[str, str]
    roles: Mapping[str, str]
    outcomes: Mapping[str, str]
    final: str
    verdicts: Mapping[str, str]
    after: Mapping[str, str]
    terms: str
    sources: Mapping[str, str]
    others: str
    money: str
    refund: str
    replaced: str
    capped: str
    held: str
    superseded: str
    reused: str
    comma: str
    unknown: str
    token: str
    order: str


ENGLISH: Final = ExplainTexts(
    journey="Journey {token}",
    counts={
        "click": "clicks: {count}",
        "entry": "shop entries: {count}",
        "favourite": "favourites: {count}",
        "cart": "carts: {count}",
        "order": "orders: {count}",
        "lost": "contents that lost a conflict: {count}",
    },
    kept="kept until {until} if nothing more comes",
    kept_for_ever="kept for ever",
    policies="computed under policy versions {versions}",
    times="times are those of {zone}",
    timeline="What happened",
    results="What became of it",
    facts={
        "click": "click {event}: {origin} -> {shop}, {category}",
        "entry": "shop entry {event} at {shop}",
        "favourite": "favourite {event} at {shop}",
        "cart": "cart {event} at {shop}",
        "step": "order {order} {status} ({event}) at {shop}",
    },
    statuses={
        "deposit": "deposit",
        "paid": "paid",
        "received": "received",
        "settled": "settled",
        "closed": "closed",
        "refunded": "refunded",
        "frozen": "frozen",
        "unfrozen": "released",
    },
    origins={
        ("note", "ad"): "link of ad note {note}",
        ("note", "ugc"): "link of ordinary note {note}",
        ("comment", "ad"): "comment link under ad note {note}",
        ("comment", "ugc"): "comment link under ordinary note {note}",
    },
    campaign="campaign {name}",
    accepted="accepted by policy {version}",
    refusals={
        "platform_unknown": "refused by policy {version}: platform {platform} is not listed, only {listed}",
        "category_closed": "refused by policy {version}: category {category} is closed, {industry}",
        "gate_closed": "refused by policy {version}: {gate}",
        "link_unauthorised": "refused by policy {version}: such a link may not lead to {platform}",
    },
    no_industry="no industries line fits it",
    industry={"platform": 'by "{name}" in the industries of {platform}', "top": 'by "{name}" in the industries'},
    gate={
        True: "the gate for {platform}, {category} was closed from {from} until {to}",
        False: "the gate for {platform}, {category} is closed since {from}",
    },
    anything="everything",
    won="won {results}",
    lost={
        "later": "does not count: another record of this event id is later ({time}) and stands",
        "greater": "does not count: another record of this event id and time is greater as canonical JSON and stands",
    },
    roles={
        "base": "the order's base: its time, shop and amount are the order's",
        "other_currency": "ignored: it carries another currency than the order's base",
        "refund": "the latest step of refund {refund}, so it counts",
        "refund_replaced": "replaced by a later step of refund {refund}",
        "closes": "closes the order for good",
        "freezes": "holds the order",
        "releases": "releases the order",
        "hold_replaced": "a later step decides whether the order is held",
        "status": "gives the order its status",
    },
    outcomes={
        "credited": "credited to click {click} of note {note}",
        "order_closed": "withdrawn: the order was closed; click {click} of note {note} would have it",
        "not_paid": "pending: the order is not paid; click {click} of note {note} would get it",
        "order_frozen": "held: the order is frozen; click {click} of note {note} has it once it is released",
        "no_click": "refused: there is no click under this token",
        "other_shop": "refused: no click led to this shop",
        "before_click": "refused: no click to this shop came soon enough",
        "window_passed": "refused: every window had passed",
        "click_refused": "refused: the click that fits was refused itself",
    },
    final="final from {time} on, but for order steps and conflicts",
    verdicts={
        "won": "won",
        "not_last": "would do, but a later click won",
        "other_shop": "led to another shop, {shop}",
        "before_click": "came too late: the fact is {missed} earlier than the lead allows",
        "window_passed": "its window had ended {missed} before",
        "window_ended": "its window ended at that very time",
        "click_refused": "fits, but was refused itself ({refusal})",
    },
    after={"after": "{span} after it", "before": "{span} before it", "same": "at its very time"},
    terms="window {window} {window_source}, lead {lead} {lead_source}, policy {version}",
    sources={
        "campaign": "by campaign {name}",
        "category": "by category {name}",
        "platform": "by platform {name}",
        "top": "by default",
    },
    others="and others: {count}",
    money="{gross} counts, {refunded} of it refunded, net {net}",
    refund="refund {refund}: {amount} by {event}",
    replaced=", in place of {events}",
    capped="refunds sum up to {sum}, but no more than the amount is refunded",
    held="{amount} will count once it is released",
    superseded="no result any more, for only records that lost would make them: {results}",
    reused="Order {order} came under {count} tokens; it counts under each.",
    comma=", ",
    unknown="redcat: nothing is held of {what} in {group}: it never came, or its journey has expired since, or was "
    "forgotten on request",
    token="token {id}",  # noqa: S106  # no secret
    order="order {id}",
)
