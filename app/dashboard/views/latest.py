"""The latest results: what was decided of single entries, favourites, carts and orders, the newest first."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from nicegui import ui

from app.dashboard.address import address, scope_address
from app.dashboard.numbers import Numbers, local
from app.dashboard.parts import element, link, text
from app.dashboard.texts import Texts
from app.redis_store.watching import ShownResult

LISTED: Final = 30
AT_ONCE: Final = 10  # more than that between two glances nobody can follow
TONES: Final = {"refused": "bad", "withdrawn": "bad"}


class LatestView:
    """Built here; `add` puts in what came, `explain` says why nothing comes."""

    def __init__(self, texts: Texts, numbers: Numbers, scope: str) -> None:
        self._texts, self._numbers, self._scope = texts, numbers, scope
        self._lines = deque[ui.element]()
        with element("div", "", "tabindex=0 role=log") as log, element("ol", "feed") as self._place:
            log.props["aria-label"] = texts.latest
            self._waiting = text(texts.waiting, "quiet", tag="li")

    def explain(self, why: str) -> None:
        """Say this where results would stand."""
        self._waiting.set_text(why)

    def add(self, results: Sequence[ShownResult], now_ms: int) -> None:
        """Put the last of these on top; they come oldest first."""
        self._waiting.set_visibility(False)
        for result in results[-AT_ONCE:]:
            with self._place, element("li") as line:
                self._write(result, now_ms)
            line.move(self._place, 0)
            self._lines.appendleft(line)
        while len(self._lines) > LISTED:
            self._lines.pop().delete()

    def _write(self, result: ShownResult, now_ms: int) -> None:
        texts = self._texts
        text(self._time(result.at_ms or now_ms, now_ms), "quiet")
        with element("div"):
            outcome = texts.outcomes.get(result.outcome, result.outcome)
            text(f"{texts.kinds.get(result.kind, result.kind)} {outcome}", TONES.get(result.outcome, ""), tag="b")
            text(self._money(result))
            with element("p", "quiet small"):
                if result.reason:
                    text(texts.reasons.get(result.reason) or texts.unsettled.get(result.reason, result.reason))
                name = result.order_id or result.token
                link(name, address("explain", id=name), title=name)
                self._write_origin(result)

    def _write_origin(self, result: ShownResult) -> None:
        """What the result is of besides what the page is of."""
        scope, name = ("note", result.note_id) if self._scope != "note" else ("merchant", result.merchant_id)
        if name:
            link(f"{self._texts.scopes[scope]} {name}", scope_address(scope, name), title=name)

    def _time(self, at_ms: int, now_ms: int) -> str:
        numbers = self._numbers
        return numbers.clock(at_ms) if local(at_ms).date() == local(now_ms).date() else numbers.moment(at_ms)

    def _money(self, result: ShownResult) -> str:
        if not result.currency or not result.gross_minor:
            return ""
        money = self._numbers.money({result.currency: result.gross_minor})
        if not result.refunded_minor:
            return money
        refunded = self._texts.refunded.format(amount=self._numbers.money({result.currency: result.refunded_minor}))
        return f"{money}, {refunded}"
