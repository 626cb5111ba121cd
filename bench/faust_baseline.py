"""The yardstick: the same job on clicks, entries and orders, as Faust's documentation would have one write it.

A module-level app, an agent for each topic, `faust.Record` models, one record at a time, tables keyed by token in the
default store with their changelogs, one Redis call per record, results by `topic.send`.  The settings are Faust's
defaults.  It counts the same counters per cell under the default policy, settles repeated records and the lives of
orders, and publishes the same fields.  It does not settle conflicts, it does not go back when a click comes after the
facts that it explains, and a crash makes it count twice.

Started as `faust -A bench.faust_baseline worker`; the environment names broker, Redis, topics and partitions.
"""

import os
from collections.abc import Iterable, Sequence

import faust
from redis.asyncio import Redis

DAY_MS = 24 * 3_600 * 1_000
PLATFORMS = ("taobao", "tmall", "jd", "xhs")
OPEN_INDUSTRIES = ("fmcg", "outdoor", "health")
PREFIX = os.environ["REDCAT_TOPIC_PREFIX"]


class Click(faust.Record):
    """A reader followed a link under a note."""

    event_id: str
    token: str
    at_ms: int
    note_id: str
    note_kind: str
    link: str
    platform: str
    merchant_id: str
    category: str
    campaign_id: str | None = None
    creator_id: str | None = None
    poster_id: str | None = None
    boost_id: str | None = None


class Entry(faust.Record):
    """The shop's page was entered."""

    event_id: str
    token: str
    at_ms: int
    platform: str
    merchant_id: str


class Step(faust.Record):
    """One step in the life of an order."""

    event_id: str
    token: str
    at_ms: int
    platform: str
    merchant_id: str
    order_id: str
    status: str
    amount_minor: int | None = None
    currency: str | None = None
    refund_id: str | None = None


class Conversion(faust.Record):
    """A result."""

    result_id: str
    kind: str
    outcome: str
    token: str
    platform: str
    merchant_id: str
    at_ms: int
    note_id: str | None = None
    note_kind: str | None = None
    link: str | None = None
    campaign_id: str | None = None
    creator_id: str | None = None
    poster_id: str | None = None
    boost_id: str | None = None
    category: str | None = None
    click_id: str | None = None
    click_at_ms: int | None = None
    order_id: str | None = None
    status: str | None = None
    gross_minor: int = 0
    refunded_minor: int = 0
    currency: str | None = None


app = faust.App(
    f"{PREFIX}faust",
    broker=f"kafka://{os.environ['REDCAT_KAFKA']}",
    topic_partitions=int(os.environ["REDCAT_PARTITIONS"]),
)
click_out = app.topic(f"{PREFIX}click-out", key_type=str, key_serializer="raw", value_type=Click)
shop_entry = app.topic(f"{PREFIX}shop-entry", key_type=str, key_serializer="raw", value_type=Entry)
order = app.topic(f"{PREFIX}order", key_type=str, key_serializer="raw", value_type=Step)
conversion = app.topic(f"{PREFIX}conversion", key_type=str, key_serializer="raw", value_type=Conversion)
clicks = app.Table(f"{PREFIX}faust-clicks", default=list)  # token -> its clicks
entries = app.Table(f"{PREFIX}faust-entries", default=dict)  # token -> event id -> winning click
orders = app.Table(f"{PREFIX}faust-orders", default=list)  # token -> the steps of its orders
redis = Redis.from_url(os.environ["REDCAT_REDIS"])


@app.agent(click_out)
async def absorb_clicks(stream: faust.StreamT[Click]) -> None:
    """Remember the clicks of each token, and count them."""
    async for click in stream:
        known = clicks[click.token]
        if all(click.event_id != other.event_id for other in known):
            clicks[click.token] = [*known, click]
            await count(click, {"clicks" if is_accepted(click) else "clicks_refused": 1})


@app.agent(shop_entry)
async def absorb_entries(stream: faust.StreamT[Entry]) -> None:
    """Credit each entry to the latest click of its token that may have it."""
    async for entry in stream:
        known = entries[entry.token]
        if entry.event_id not in known:
            click = winner(clicks.get(entry.token, ()), entry, DAY_MS)
            click_id = click and click.event_id
            result = conversion_of(f"entry:{entry.event_id}", "entry", "credited" if click else "refused", entry, click)
            await conversion.send(key=entry.token, value=result)
            first = click_id not in known.values()
            entries[entry.token] = {**known, entry.event_id: click_id}
            if click:
                await count(click, {"entries": 1, **({"clicks_entered": 1} if first else {})})
            else:
                await redis.hincrby("refused", "entries", 1)


@app.agent(order)
async def absorb_orders(stream: faust.StreamT[Step]) -> None:
    """Credit each order as far as its life is known."""
    async for step in stream:
        known = orders[step.token]
        if all(step.event_id != other.event_id for other in known):
            orders[step.token] = [*known, step]
            before = [other for other in known if other.order_id == step.order_id]
            life = in_order([*before, step])
            base = base_of(life)
            window_ms = 7 * DAY_MS if base.platform == "jd" else 15 * DAY_MS
            click = winner(clicks.get(step.token, ()), base, window_ms)
            result = conversion_of(
                f"order:{step.order_id}", "order", outcome(life) if click else "refused", base, click
            )
            result.order_id, result.status, result.currency = step.order_id, life[-1].status, base.currency
            if result.outcome == "credited":
                result.gross_minor = base.amount_minor or 0
                result.refunded_minor = refunded(life, result.gross_minor)
            await conversion.send(key=step.token, value=result)
            if click:
                await count(click, difference(tally(in_order(before)), tally(life)))
            else:
                await redis.hincrby("refused", "order_steps", 1)


async def count(click: Click, changes: dict[str, int]) -> None:
    """Change the counters of the click's cell, in one call."""
    cell = f"{click.campaign_id}|{click.merchant_id}|{click.platform}|{click.category}|{click.link}|{click.note_kind}"
    async with redis.pipeline(transaction=False) as pipeline:
        for name, change in changes.items():
            pipeline.hincrby(f"note:{click.note_id}", f"{cell}|{name}", change)
        await pipeline.execute()


def is_accepted(click: Click) -> bool:
    """Whether the default policy lets the click be credited."""
    if click.platform == "xhs":
        return True
    is_open = click.platform in PLATFORMS and click.category.partition(".")[0] in OPEN_INDUSTRIES
    return is_open and click.link == "note" and click.note_kind == "ad"


def winner(known: Iterable[Click], fact: Entry | Step, window_ms: int) -> Click | None:
    """The latest accepted click of the fact's shop that is not too old."""
    candidates = [
        click
        for click in known
        if click.platform == fact.platform
        and click.merchant_id == fact.merchant_id
        and click.at_ms <= fact.at_ms < click.at_ms + window_ms
        and is_accepted(click)
    ]
    return max(candidates, key=lambda click: (click.at_ms, click.event_id), default=None)


def outcome(life: Sequence[Step]) -> str:
    """What an order that has a click amounts to; its steps in the order of their times."""
    statuses = [step.status for step in life]
    if "closed" in statuses:
        return "withdrawn"
    if "paid" not in statuses:
        return "pending"
    frozen = [status for status in statuses if status in ("frozen", "unfrozen")]
    return "held" if frozen and frozen[-1] == "frozen" else "credited"


def refunded(life: Sequence[Step], gross_minor: int) -> int:
    """The sum of the latest step of each refund, at most all that was paid."""
    latest = {step.refund_id: step.amount_minor or 0 for step in life if step.status == "refunded"}
    return min(sum(latest.values()), gross_minor)


def in_order(steps: Iterable[Step]) -> list[Step]:
    """The steps in the order of their times."""
    return sorted(steps, key=lambda step: (step.at_ms, step.event_id))


def base_of(life: Sequence[Step]) -> Step:
    """The step that says when and where an order was made."""
    return next((step for step in life if step.status == "paid"), life[0])


def tally(life: Sequence[Step]) -> dict[str, int]:
    """What an order counts for."""
    if not life:
        return {}
    state, base = outcome(life), base_of(life)
    if state != "credited":
        return {{"withdrawn": "orders_closed", "pending": "orders_pending", "held": "orders_held"}[state]: 1}
    gross_minor = base.amount_minor or 0
    money = {"gross_minor": gross_minor, "refunded_minor": refunded(life, gross_minor)}
    return {"orders": 1, **{f"{name}:{base.currency}": amount for name, amount in money.items() if amount}}


def difference(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """The changes from one tally to the other."""
    changes = {name: after.get(name, 0) - before.get(name, 0) for name in {*before, *after}}
    return {name: change for name, change in changes.items() if change}


def conversion_of(result_id: str, kind: str, state: str, fact: Entry | Step, click: Click | None) -> Conversion:
    """A result with everything that is known of fact and click."""
    result = Conversion(result_id, kind, state, fact.token, fact.platform, fact.merchant_id, fact.at_ms)
    if click:
        result.note_id, result.note_kind, result.link = click.note_id, click.note_kind, click.link
        result.campaign_id, result.creator_id = click.campaign_id, click.creator_id
        result.poster_id, result.boost_id, result.category = click.poster_id, click.boost_id, click.category
        result.click_id, result.click_at_ms = click.event_id, click.at_ms
    return result
