"""One visit of a page: who comes, what the address says, in which language."""

from collections.abc import Mapping
from typing import NamedTuple

from starlette.requests import Request

from app.alerts.store import AlertDesk
from app.api.access import Access, Grant
from app.dashboard.address import language_wanted
from app.dashboard.numbers import Numbers
from app.dashboard.remembered import Remembered
from app.dashboard.texts import Texts
from app.dashboard.texts_en import ENGLISH
from app.dashboard.texts_zh import CHINESE
from app.viewing.history import History
from app.viewing.model import ReadModel
from app.viewing.party import Party

LANGUAGES: Mapping[str, Texts] = {"en": ENGLISH, "zh": CHINESE}


class Site(NamedTuple):
    """What all pages have in common."""

    model: ReadModel
    access: Access
    history: History
    desk: AlertDesk
    remembered: Remembered


class Visit(NamedTuple):
    """What a page is made for."""

    site: Site
    grant: Grant
    query: Mapping[str, str]
    texts: Texts
    numbers: Numbers

    @property
    def party(self) -> Party:
        return self.grant.party

    def party_text(self) -> str:
        """Who looks, in words."""
        return self.texts.party[self.party.kind].format(id=self.party.id)


def texts_of(request: Request) -> Texts:
    """The texts in the language that this request wants."""
    accepted = request.headers.get("accept-language", "")
    return LANGUAGES[language_wanted(request.query_params, request.cookies, accepted)]


def visit_of(site: Site, grant: Grant, request: Request) -> Visit:
    """The visit that a request is."""
    texts = texts_of(request)
    return Visit(site, grant, dict(request.query_params), texts, Numbers(texts.language))
