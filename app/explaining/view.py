"""An explanation as lines for people: what happened by time, then what became of it and why."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from app.explaining.explanation import Explained
from app.explaining.texts_en import ExplainTexts
from app.explaining.times import Zone, span
from app.money import money
from app.policies.checking_fixes import duration_text
from streams.core.explain import Considered, FactStory, ResultStory
from streams.core.explain_clicks import ClickStory, Setting
from streams.core.explain_orders import OrderStory, StepStory
from streams.core.facts import Action, Click, Entry, Step

MOST_CLICKS: Final = 12
"""Clicks told for one result; the winner and the nearest are among them."""

STYLES: Final = {"credited": "green", "refused": "red", "withdrawn": "red", "held": "yellow", "pending": "yellow"}


class Line(NamedTuple):
    """A line: what stands at its beginning, how far the rest stands in, and the rest; with their styles."""

    head: str
    indent: int
    text: str
    style: str = ""
    head_style: str = ""


class View:
    """Tells one explanation."""

    def __init__(self, found: Explained, texts: ExplainTexts, zone: Zone, now_ms: int) -> None:
        self._found = found
        self._texts = texts
        self._zone = zone
        self._now_ms = now_ms
        told = found.explanation
        self._clicks = {click.click_id: click for click in told.clicks}
        self._facts = {
            fact.event_id: fact.fact for fact in told.facts if isinstance(fact.fact, Click) and not fact.lost_to
        }
        self._results = {result.result_id: result for result in told.results}
        self._steps = {step.event_id: step for result in told.results if result.order for step in result.order.steps}

    def lines(self, order_id: str | None = None) -> Iterator[Line]:
        """All that is to be said, or all that has to do with one order."""
        told, texts = self._found.explanation, self._texts
        wanted = None if order_id is None else (None, f"order:{order_id}")  # clicks are part of no result
        yield from self._heading()
        yield Line("", 0, "")
        yield Line("", 0, texts.timeline, "bold")
        for fact in told.facts:
            if wanted is None or fact.result_id in wanted:
                yield from self._fact(fact)
        results = [result for result in told.results if wanted is None or result.result_id in wanted]
        if results:
            yield Line("", 0, "")
            yield Line("", 0, texts.results, "bold")
        for result in results:
            yield from self._result(result)
        if told.superseded and wanted is None:
            yield Line("", 0, texts.superseded.format(results=", ".join(told.superseded)), "dim")

    def _heading(self) -> Iterator[Line]:
        found, texts = self._found, self._texts
        counts: Counter[str] = Counter(
            fact.kind for fact in found.explanation.facts if fact.lost_to is None and fact.kind != "step"
        )
        counts["order"] = sum(result.kind == "order" for result in found.explanation.results)
        counts["lost"] = sum(fact.lost_to is not None for fact in found.explanation.facts)
        kept = texts.kept_for_ever
        if found.kept_ms is not None:
            kept = texts.kept.format(until=self._zone.text(self._now_ms + found.kept_ms)[: len("2025-06-18 00:00")])
        yield Line("", 0, texts.journey.format(token=found.token), "bold")
        said = [texts.counts[kind].format(count=counts[kind]) for kind in texts.counts if counts[kind]]
        yield Line("", 0, texts.comma.join(said))
        versions = texts.policies.format(versions=", ".join(map(str, found.versions)))
        yield Line("", 0, texts.comma.join((kept, versions, texts.times.format(zone=self._zone.name))), "dim")

    def _fact(self, story: FactStory) -> Iterator[Line]:
        time = self._zone.text(story.at_ms)
        style = "dim strike" if story.lost_to else ""
        yield Line(time, len(time) + 2, self._named(story), style)
        for text in self._notes(story):
            yield Line("", len(time) + 4, text, "dim")
        result = self._results.get(story.result_id or "")
        told = story.kind != "step" or (result and result.order and result.order.base == story.event_id)
        if result and told and not story.lost_to:
            yield Line("", len(time) + 4, self._outcome(result), STYLES[result.outcome])

    def _named(self, story: FactStory) -> str:
        fact, texts = story.fact, self._texts
        shop = f"{fact.platform} {fact.merchant_id}"
        values = {"event": fact.event_id, "shop": shop}
        match fact:
            case Click():
                origin = texts.origins[fact.link, fact.note_kind].format(note=fact.note_id)
                values |= {"origin": origin, "category": fact.category}
                campaign = [texts.campaign.format(name=fact.campaign_id)] if fact.campaign_id else []
                return texts.comma.join((texts.facts["click"].format_map(values), *campaign))
            case Step():
                values |= {"order": fact.order_id, "status": texts.statuses[fact.status]}
                amount = (
                    [money(fact.amount_minor, fact.currency)] if fact.amount_minor is not None and fact.currency else []
                )
                return texts.comma.join((texts.facts["step"].format_map(values), *amount))
            case Entry() | Action():
                return texts.facts[story.kind].format_map(values)

    def _notes(self, story: FactStory) -> Iterator[str]:
        """What a fact did, or why it does not count."""
        texts = self._texts
        if story.lost_to:
            yield texts.lost[story.lost_to.rule].format(time=self._zone.text(story.lost_to.at_ms))
        elif isinstance(story.fact, Click):
            click = self._clicks[story.event_id]
            yield self._accepted(click, story.fact)
            if click.won:
                yield texts.won.format(results=", ".join(click.won))
        elif step := self._steps.get(story.event_id) if isinstance(story.fact, Step) else None:
            for role in _worth_telling(step):
                yield texts.roles[role].format(refund=step.refund_id)

    def _accepted(self, click: ClickStory, fact: Click) -> str:
        texts = self._texts
        if click.refusal is None:
            return texts.accepted.format(version=click.policy_version)
        return texts.refusals[click.refusal].format(
            version=click.policy_version,
            platform=fact.platform,
            category=fact.category,
            listed=", ".join(click.listed),
            industry=self._industry(click, fact),
            gate=self._gate(click),
        )

    def _industry(self, click: ClickStory, fact: Click) -> str:
        line = click.industry
        if line is None or line.name is None:
            return self._texts.no_industry
        return self._texts.industry[line.source].format(name=line.name, platform=fact.platform)

    def _gate(self, click: ClickStory) -> str:
        gate = click.gate
        if gate is None:
            return ""
        anything, zone = self._texts.anything, self._zone
        values = {
            "platform": anything if gate.platform == "*" else gate.platform,
            "category": anything if gate.category == "*" else gate.category,
            "from": zone.short(gate.closed_from_ms),
            "to": "" if gate.closed_to_ms is None else zone.short(gate.closed_to_ms),
        }
        return self._texts.gate[gate.closed_to_ms is not None].format_map(values)

    def _result(self, result: ResultStory) -> Iterator[Line]:
        texts, name = self._texts, result.result_id
        yield Line(name, len(name) + 2, self._outcome(result), STYLES[result.outcome], "bold")
        if result.order:
            yield from (Line("", 4, text) for text in self._order(result.order))
        for one in _chosen(result.considered):
            style = "green" if one.verdict == "won" else "yellow" if one.nearest else "dim"
            yield Line("", 4, self._considered(one), style)
        if len(result.considered) > MOST_CLICKS:
            yield Line("", 4, texts.others.format(count=len(result.considered) - MOST_CLICKS), "dim")
        if result.final_at_ms is not None:
            yield Line("", 4, texts.final.format(time=self._zone.text(result.final_at_ms)), "dim")

    def _outcome(self, result: ResultStory) -> str:
        note = next((one.note_id for one in result.considered if one.click_id == result.winner), "")
        return self._texts.outcomes[result.reason or result.outcome].format(click=result.winner, note=note)

    def _considered(self, one: Considered) -> str:
        texts, click = self._texts, self._facts[one.click_id]
        after = "same" if one.after_click_ms == 0 else "after" if one.after_click_ms > 0 else "before"
        at_the_end = one.verdict == "window_passed" and not one.missed_by_ms
        verdict = texts.verdicts["window_ended" if at_the_end else one.verdict].format(
            shop=f"{click.platform} {click.merchant_id}",
            missed=span(one.missed_by_ms or 0),
            refusal=one.refusal,
        )
        terms = texts.terms.format(
            window=duration_text(one.window.ms),
            window_source=self._source(one.window),
            lead=duration_text(one.lead.ms),
            lead_source=self._source(one.lead),
            version=one.policy_version,
        )
        distance = texts.after[after].format(span=span(abs(one.after_click_ms)))
        return f"{one.click_id} ({one.note_id}): {verdict}; {texts.comma.join((distance, terms))}"

    def _source(self, setting: Setting) -> str:
        return self._texts.sources[setting.source].format(name=setting.name)

    def _order(self, order: OrderStory) -> Iterator[str]:
        texts, currency = self._texts, order.currency
        if currency is None:
            return
        for refund in order.refunds:
            replaced = texts.replaced.format(events=", ".join(refund.replaced)) if refund.replaced else ""
            amount = money(refund.amount_minor, currency)
            yield texts.refund.format(refund=refund.refund_id, amount=amount, event=refund.event_id) + replaced
        if order.refunds_minor > order.amount_minor:
            yield texts.capped.format(sum=money(order.refunds_minor, currency))
        if order.gross_counted_minor:
            net = order.gross_counted_minor - order.refunded_counted_minor
            yield texts.money.format(
                gross=money(order.gross_counted_minor, currency),
                refunded=money(order.refunded_counted_minor, currency),
                net=money(net, currency),
            )
        if order.held_minor:
            yield texts.held.format(amount=money(order.held_minor, currency))


def _worth_telling(step: StepStory) -> list[str]:
    """The roles of a step, but for what follows from being the only one."""
    return [role for role in step.roles if role != "status" or len(step.roles) == 1]


def _chosen(considered: Sequence[Considered]) -> list[Considered]:
    """The clicks to tell, in their order: the winner, the nearest, and the greatest of the others."""
    if len(considered) <= MOST_CLICKS:
        return list(considered)
    first = [one for one in considered if one.verdict == "won" or one.nearest]
    others = [one for one in considered if one not in first][: MOST_CLICKS - len(first)]
    return [one for one in considered if one in first or one in others]
