"""What is seen while events flow: a live table of the top notes on a terminal, a line now and then elsewhere."""

from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Final, NamedTuple, Protocol, Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from app.counters import Counters, by_orders
from app.note_table import NoteTable
from app.texts import Texts

LINES_AROUND: Final = 11  # of the terminal, all that is not a note's row
FEWEST_NOTES: Final = 1
MOST_NOTES: Final = 25
RATE_OVER_S: Final = 3.0
PLAIN_EVERY_S: Final = 3.0


class Moment(NamedTuple):
    """How far everything is at one moment."""

    elapsed_s: float
    events: int  # to be sent in all
    sent: int
    absorbed: int
    results: int
    notes: Mapping[str, Counters]
    doing: str  # what is going on, in the language of the view


class View(Protocol):
    """Something that shows moments; to be entered before and left after."""

    def show(self, moment: Moment) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Screen:
    """The live table as something that rich can draw, as large as the terminal allows."""

    def __init__(self, texts: Texts, title: str) -> None:
        self._texts = texts
        self._title = title
        self._moment: Moment | None = None
        self._before: Mapping[str, Counters] = {}
        self._pace = Pace()

    def update(self, moment: Moment) -> None:
        """Show this moment from now on."""
        self._before = self._moment.notes if self._moment else {}
        self._pace.add(moment)
        self._moment = moment

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        moment = self._moment
        if moment is None:
            return
        width, height = options.max_width, console.height
        yield self._headline(moment)
        yield self._progress(moment, bar_width=max(10, min(60, width - 44)))
        yield ""
        rows = min(MOST_NOTES, max(FEWEST_NOTES, height - LINES_AROUND))
        chosen = by_orders(moment.notes)[:rows]
        yield NoteTable(self._texts, width, compact=True).render(moment.notes, chosen, self._before)
        yield ""
        yield Text(moment.doing, "italic", no_wrap=True, overflow="ellipsis")
        yield Text(self._texts.stop, "dim")

    def _headline(self, moment: Moment) -> Table:
        line = Table.grid(expand=True)
        line.add_column(no_wrap=True, overflow="ellipsis")
        line.add_column(justify="right", no_wrap=True)
        line.add_row(Text(self._title, "bold red"), Text(_clock(moment.elapsed_s), "bold"))
        return line

    def _progress(self, moment: Moment, bar_width: int) -> Table:
        texts = self._texts
        lines = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
        for _ in range(3):
            lines.add_column(no_wrap=True)
        rate = texts.per_second.format(rate=f"{self._pace.per_second():,.0f}")
        lag = texts.lag.format(lag=f"{moment.sent - moment.absorbed:,}")
        sent = ProgressBar(max(1, moment.events), moment.sent, bar_width)
        absorbed = ProgressBar(max(1, moment.events), min(moment.absorbed, moment.events), bar_width)
        lines.add_row(texts.sent, sent, f"{moment.sent:,}/{moment.events:,}")
        lines.add_row(texts.absorbed, absorbed, f"{moment.absorbed:,}  {lag}")
        lines.add_row(texts.results, f"{moment.results:,}", Text(rate, "cyan"))
        return lines


class Pace:
    """Events absorbed a second, over the last few seconds."""

    def __init__(self) -> None:
        self._past: deque[tuple[float, int]] = deque()

    def add(self, moment: Moment) -> None:
        """Take note of how far everything is."""
        self._past.append((moment.elapsed_s, moment.absorbed))
        while len(self._past) > 2 and self._past[0][0] < moment.elapsed_s - RATE_OVER_S:
            self._past.popleft()

    def per_second(self) -> float:
        """The rate; 0 before there are two moments."""
        if len(self._past) < 2:
            return 0.0
        (start_s, start), (end_s, end) = self._past[0], self._past[-1]
        return max(0.0, (end - start) / (end_s - start_s)) if end_s > start_s else 0.0


class LiveView:
    """The screen on a terminal; what it showed last stays there."""

    def __init__(self, texts: Texts, console: Console, title: str) -> None:
        self._screen = Screen(texts, title)
        self._live = Live(console=console, auto_refresh=False)

    def show(self, moment: Moment) -> None:
        """Draw this moment."""
        self._screen.update(moment)
        self._live.update(self._screen, refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


class PlainView:
    """A line every few seconds, for logs and pipes."""

    def __init__(self, texts: Texts, console: Console) -> None:
        self._texts = texts
        self._console = console
        self._next_s = 0.0
        self._doing = ""

    def show(self, moment: Moment) -> None:
        """Print this moment if it is time, or if something else is going on than before."""
        if moment.elapsed_s < self._next_s and moment.doing == self._doing:
            return
        self._next_s, self._doing = moment.elapsed_s + PLAIN_EVERY_S, moment.doing
        self._console.print(plain_line(moment, self._texts), soft_wrap=True, highlight=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def plain_line(moment: Moment, texts: Texts) -> str:
    """One moment in one line."""
    parts = (
        f"{_clock(moment.elapsed_s)} {texts.sent} {moment.sent:,}/{moment.events:,}",
        f"{texts.absorbed} {moment.absorbed:,}",
        texts.lag.format(lag=f"{moment.sent - moment.absorbed:,}"),
        f"{texts.results} {moment.results:,}",
        texts.all_notes.format(notes=f"{len(moment.notes):,}"),
        moment.doing,
    )
    return " · ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02}:{rest:02}"
