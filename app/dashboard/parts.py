"""The pieces that views are made of: panels, figures, funnel, shares, tables, and what stands where nothing is."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from nicegui import ui
from nicegui.element import Element

from app.dashboard.charts import Options
from app.dashboard.sparkline import sparkline
from app.dashboard.tables import written
from app.dashboard.telling import Step

LONG_VALUE: Final = 9  # characters, above which a figure is set smaller


def text(content: str, classes: str = "", *, tag: str = "span") -> ui.label:
    """Text in an element of this tag; nothing in it is read as HTML."""
    label = ui.label(content).classes(remove="nicegui-label", add=classes)
    label.tag = tag
    return label


@contextmanager
def element(tag: str, classes: str = "", props: str = "") -> Iterator[Element]:
    """An element to put others into."""
    with ui.element(tag).classes(classes).props(props) as one:
        yield one


@contextmanager
def panel(title: str, classes: str = "", hint: str = "") -> Iterator[Element]:
    """A panel with a heading; yields the place beside the heading, what follows goes into the panel."""
    with element("section", f"panel {classes}") as section:
        section.props["aria-label"] = title
        with element("div", "panel-head"):
            text(title, tag="h2")
            with element("div", "bar") as beside:
                pass
        if hint:
            text(hint, "quiet small", tag="p")
        yield beside


def link(content: str, href: str, classes: str = "", **props: str) -> Element:
    """A link within the dashboard or to a page of it."""
    one = ui.element("a").classes(classes)
    one.props["href"] = href
    for name, value in props.items():
        one.props[name.replace("_", "-")] = value
    with one:
        text(content)
    return one


class Figure:
    """A number that people look at first, what it is compared with, and how it came about."""

    def __init__(self, name: str) -> None:
        with element("section", "figure") as section:
            section.props["aria-label"] = name
            text(name, tag="h3")
            self._value = text("–", "value", tag="p")  # noqa: RUF001
            self._against = text("", "against", tag="p")
            self._spark = ui.html("", sanitize=False)

    def show(self, value: str, against: str = "", tone: str = "", spark: Sequence[float] = ()) -> None:
        """Show other content; only what differs is sent to the browser."""
        self._value.set_text(value)
        self._value.classes(add="long") if len(value) > LONG_VALUE else self._value.classes(remove="long")
        self._against.set_text(against)
        self._against.classes(replace=f"against {tone}")
        self._spark.set_content(sparkline(spark) if spark else "")


class Funnel:
    """Steps from left to right, on a phone from top to bottom; a bar is the share of the step before."""

    def __init__(self, names: Sequence[str]) -> None:
        self._steps: list[tuple[ui.label, ui.label, ui.label, Element]] = []
        with element("ol", "funnel"):
            for name in names:
                with element("li", "step"):
                    text(name, tag="h3")
                    value = text("–", "value", tag="p")  # noqa: RUF001
                    with element("p", "rate"):
                        rate = text("", tag="b")
                        says = text("")
                    with element("div", "meter", "aria-hidden=true"):
                        self._steps.append((value, rate, says, ui.element("div")))

    def show(self, steps: Sequence[Step]) -> None:
        """Show other numbers in the same steps."""
        for (value, rate, says, bar), step in zip(self._steps, steps, strict=True):
            value.set_text(step.value)
            rate.set_text(step.rate)
            says.set_text(f" {step.says}" if step.says else "")
            width = 1.0 if step.share is None else min(step.share, 1.0)
            bar.style(replace=f"width: {width:.1%}" + ("; opacity: 0" if step.share is None else ""))


class Split:
    """How a whole is shared out among a few: a bar, and a line for each with its number and share."""

    def __init__(self, names: Sequence[str], heads: Sequence[str], label: str) -> None:
        with element("div", "split"):
            with element("div", "split-bar", "role=img") as bar:
                bar.props["aria-label"] = label
                self._bars = [ui.element("div").classes(f"k{number}") for number in range(1, len(names) + 1)]
            with element("table", "t"):
                with element("thead"), element("tr"):
                    ui.element("td")
                    for head in heads:
                        text(head, tag="th").props("scope=col")
                with element("tbody"):
                    self._rows = [self._row(number, name, len(heads)) for number, name in enumerate(names, 1)]

    def show(self, rows: Sequence[tuple[float, Sequence[str]]]) -> None:
        """For each name its share of the whole and the texts of its line."""
        for bar, cells, (share, texts) in zip(self._bars, self._rows, rows, strict=True):
            bar.style(replace=f"width: {share:.2%}")
            for cell, content in zip(cells, texts, strict=True):
                cell.set_text(content)

    @staticmethod
    def _row(number: int, name: str, cells: int) -> list[ui.label]:
        with element("tr"):
            with element("th", "", "scope=row"):
                ui.element("span").classes(f"key k{number}")
                text(name)
            return [text("", tag="td") for _ in range(cells)]


class Row(NamedTuple):
    """A row of a table: its cells, where its name leads ("" for nowhere), and its tone."""

    cells: Sequence[str]
    href: str = ""
    tone: str = ""


class Table:
    """A small table whose rows may change; the first cell names its row.  A button below saves it as it stands."""

    def __init__(self, heads: Sequence[str], caption: str, *, save: str) -> None:
        """`save` is what the button says."""
        self._heads = heads
        self._shown: list[Row] | None = None
        self._labels: list[list[ui.label]] = []
        with element("div", "table-wrap", "tabindex=0 role=region") as wrap:
            wrap.props["aria-label"] = caption
            with element("table", "t"):
                with element("thead"), element("tr"):
                    for number, head in enumerate(heads):
                        text(head, "" if number else "l", tag="th").props("scope=col")
                self._body = ui.element("tbody")
        with element("div", "bar table-foot"):
            button = text(save, "tool", tag="button").props("type=button").on("click", self._save)
            button.props["aria-label"] = f"{save}: {caption}"

    async def _save(self) -> None:
        file = await written([self._heads, *(row.cells for row in self._shown or ())])
        ui.download.content(file, "redcat.csv", "text/csv")

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows; what differs in a row is sent to the browser, other rows are drawn anew."""
        if self._shown is not None and [row._replace(cells=row.cells[:1]) for row in rows] == [
            row._replace(cells=row.cells[:1]) for row in self._shown
        ]:
            for labels, row in zip(self._labels, rows, strict=True):
                for label, cell in zip(labels, row.cells[1:], strict=True):
                    label.set_text(cell)
        else:
            self._body.clear()
            with self._body:
                self._labels = [self._row(row) for row in rows]
        self._shown = list(rows)

    @staticmethod
    def _row(row: Row) -> list[ui.label]:
        with element("tr", row.tone):
            with element("th", "wrap", "scope=row"):
                link(row.cells[0], row.href) if row.href else text(row.cells[0])
            return [text(cell, tag="td") for cell in row.cells[1:]]


def chart(options: Options, classes: str = "") -> ui.echart:
    """A chart; its description is read to who does not see it."""
    label = options["aria"]["label"]["description"]
    one = ui.echart(options, renderer="svg").classes(f"chart {classes}").props("role=img")
    one.props["aria-label"] = label
    return one


def redraw(one: ui.echart, options: Options) -> None:
    """Draw other data if they differ."""
    if one.options != options:
        one.options.clear()
        one.options.update(options)


def empty(title: str, how: str, command: str = "") -> Element:
    """Where there is nothing to show: what that means and what to do."""
    with element("div", "empty") as box:
        text(title, "title", tag="h2")
        text(how, tag="p")
        if command:
            text(command, tag="code")
    return box


def choices(label: str, options: Mapping[str, str], chosen: str, hrefs: Mapping[str, str]) -> None:
    """A few views of the same, of which one is chosen; each is a link, so that it can be shared."""
    with element("nav", "bar") as bar:
        bar.props["aria-label"] = label
        for name, content in options.items():
            one = link(content, hrefs[name], "tool")
            if name == chosen:
                one.props["aria-current"] = "true"
