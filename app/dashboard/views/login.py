"""The way in, where keys are configured."""

from app.dashboard.address import HOME
from app.dashboard.parts import element, text
from app.dashboard.texts import Texts


def show_login(texts: Texts, following: str) -> None:
    """A form that exchanges a key for a session; `following` is the page after that."""
    with element("section", "panel login") as section:
        section.props["aria-label"] = texts.sign_in
        text(texts.sign_in, tag="h1")
        text(texts.sign_in_how, "quiet", tag="p")
        text(texts.wrong_key, "banner bad", tag="p").props("role=alert hidden data-wrong")
        with element("form", "", "data-login") as form:
            form.props["data-next"] = following if following.startswith(HOME) else HOME
            with element("label", "sr", "for=key"):
                text(texts.key)
            field = "id=key name=key type=password required autofocus autocomplete=current-password"
            with element("input", "field", field) as box:
                box.props["placeholder"] = texts.key
            text(texts.sign_in, "primary", tag="button").props("type=submit")
