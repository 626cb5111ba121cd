"""The state of a view is in its address: read and written here.  Pure."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from app.viewing.scopes import Scope

HOME: Final = "/ui/"
LANGUAGES: Final = ("en", "zh")
SCOPES: Final[Mapping[str, Scope]] = {
    "note": "notes",
    "campaign": "campaigns",
    "merchant": "merchants",
    "platform": "platforms",
}
"""What has a view of its own, as addresses name it, and the scope that it is of."""


def address(path: str, **state: str | int | None) -> str:
    """The address of a view below `HOME` with its state; what is None or empty is left out."""
    known = {name: value for name, value in state.items() if value not in (None, "")}
    return f"{HOME}{path}" + (f"?{urlencode(known)}" if known else "")


def scope_address(scope: str, name: str, **state: str | int | None) -> str:
    """The address of a note, campaign, merchant or platform."""
    return address(f"{scope}/{quote(name, safe='')}", **state)


def language_wanted(query: Mapping[str, str], cookies: Mapping[str, str], accepted: str) -> str:
    """Zh or en: as the address says, else as was chosen before, else the first that the browser accepts."""
    for wanted in (query.get("lang"), cookies.get("redcat_language")):
        if wanted in LANGUAGES:
            return str(wanted)
    for part in accepted.lower().split(","):
        language = part.split(";")[0].strip()[:2]
        if language in LANGUAGES:
            return language
    return "en"


def chosen(query: Mapping[str, str], name: str, options: Mapping[str, object]) -> str:
    """The option that the address names, else the first."""
    wanted = query.get(name, "")
    return wanted if wanted in options else next(iter(options))
