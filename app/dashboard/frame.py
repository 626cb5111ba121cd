"""What is around every view: navigation, language, light and dark, whether the numbers are live."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from nicegui import ui
from nicegui.element import Element

from app.dashboard.address import HOME, address
from app.dashboard.parts import element, link, text
from app.dashboard.texts import Texts

ASSETS: Final = f"{HOME}assets"
STATIC: Final = Path(__file__).parent / "static"
NAVIGATION: Final = {"": "o", "notes": "n", "explain": "e", "alerts": "a", "health": "h"}
"""Views by their path, with the key that follows a g."""


class Live:
    """The word beside the heading that says how fresh the numbers are."""

    def __init__(self) -> None:
        self._said = text("", "live").props("role=status")

    def show(self, content: str, tone: str = "") -> None:
        """Say this; `tone` is behind, away or nothing."""
        self._said.set_text(content)
        self._said.classes(replace=f"live {tone}")

    def hide(self) -> None:
        """Where nothing is live."""
        self._said.set_visibility(False)


@contextmanager
def frame(texts: Texts, title: str, *, path: str | None, party: str, leave: bool) -> Iterator[Element]:
    """A page with its navigation; yields the place for the view.  `path` is None where there is nothing to go to."""
    _page(texts, title)
    if path is not None:
        with ui.header(elevated=False).classes(replace="top").props("reveal=false"):
            _brand()
            _navigation(texts, path)
            _tools(texts, party, leave=leave)
    with element("div", "main") as main:
        yield main
    ui.skip_link(texts.skip, target=main)
    if path is not None:
        _keys(texts)


def _page(texts: Texts, title: str) -> None:
    client = ui.context.client
    client.page = copy.copy(client.page)
    client.page.language = "zh-CN" if texts.language == "zh" else "en-US"
    client.title = f"{title} · Redcat"
    ui.add_head_html(f'<link rel="stylesheet" href="{ASSETS}/redcat.css"><script src="{ASSETS}/redcat.js"></script>')


def _brand() -> None:
    with element("a", "brand") as brand:
        brand.props["href"] = HOME
        with element("img", "", 'alt=""') as image:
            image.props["src"] = f"{ASSETS}/favicon.svg"
        text("Redcat")


def _navigation(texts: Texts, path: str) -> None:
    with element("nav", "nav") as nav:
        nav.props["aria-label"] = texts.views
        for view, key in NAVIGATION.items():
            one = link(texts.nav[view], address(view), data_key=key, title=f"g {key}")
            if view == path:
                one.props["aria-current"] = "page"


def _tools(texts: Texts, party: str, *, leave: bool) -> None:
    with element("div", "tools"):
        text(party, "chip party")
        _button(texts.copy_link, "link", done=texts.copied)
        _button(texts.other_language, "language", to="en" if texts.language == "zh" else "zh")
        _button(texts.themes.split("|", 1)[0], "theme", theme_names=texts.themes)
        if leave:
            _button(texts.sign_out, "logout")


def _button(content: str, act: str, **data: str) -> None:
    button = text(content, "tool", tag="button").props(f"type=button data-act={act}")
    for name, value in data.items():
        button.props[f"data-{name.replace('_', '-')}"] = value


def _keys(texts: Texts) -> None:
    with ui.dialog() as dialog, element("div", "panel"):
        text(texts.keys_title, tag="h2")
        with element("table", "t"), element("tbody"):
            for keys, meaning in texts.keys.items():
                with element("tr"):
                    with element("th", "", "scope=row"):
                        text(keys, "code", tag="kbd")
                    text(meaning, "l", tag="td")
        text(texts.close, "tool", tag="button").props("type=button").on("click", dialog.close)
    text("?", "sr", tag="button").props("type=button tabindex=-1 aria-hidden=true data-keys-help").on(
        "click", dialog.open
    )
