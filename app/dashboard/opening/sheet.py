"""What the pages have in common: a heading, and what stands there while there is nothing to show."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from nicegui.element import Element

from app.dashboard.frame import Live, frame
from app.dashboard.live import Refresh, keep_fresh, load_when
from app.dashboard.parts import element, empty, text
from app.dashboard.visit import Visit
from streams.errors import RedcatError

TRAFFIC: Final = "redcat simulate"
SET_UP: Final = "redcat topics create && redcat worker"


class Sheet(NamedTuple):
    """A page that is being made: the line that says how fresh it is, and the place beside the heading."""

    visit: Visit
    live: Live
    beside: Element

    async def fill(self, refresh: Refresh, *, also_idle: bool = False) -> bool:
        """Put in the first numbers and keep them fresh, `also_idle` when no counter changes.

        Where the store is away, say so and wait for it: False.
        """
        try:
            await refresh()
        except RedcatError:
            nothing(self.visit)
            return False
        keep_fresh(self.visit, self.live, refresh, also_idle=also_idle)
        return True


@contextmanager
def sheet(visit: Visit, title: str, path: str, kind: str = "") -> Iterator[Sheet]:
    """A page with that heading; `kind` stands before it in smaller letters."""
    party = visit.party_text()
    with frame(visit.texts, title, path=path, party=party, leave=visit.grant.key_hash is not None):
        with element("div", "heading"):
            with element("div"):
                if kind:
                    text(kind, "quiet small", tag="p")
                text(title, tag="h1")
            with element("div", "bar"):
                with element("div", "bar") as beside:
                    pass
                live = Live()
        yield Sheet(visit, live, beside)


def is_empty(visit: Visit) -> bool:
    """Whether there is nothing yet that the party could be shown."""
    model = visit.site.model
    return not model.ready or not model.view(visit.party).total().counters


def nothing(visit: Visit) -> None:
    """There is nothing to show yet: why, and what to do; the page loads by itself when there is."""
    texts, model = visit.texts, visit.site.model
    if model.ready:
        empty(texts.nothing_yet, texts.nothing_yet_how, TRAFFIC)
    elif model.no_namespace:
        empty(texts.no_namespace, texts.no_namespace_how, SET_UP)
    else:
        empty(texts.unavailable, texts.unavailable_how)
    load_when(visit, lambda: True)
