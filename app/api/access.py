"""Who asks: keys of programs, sessions of browsers, and the party that each is of."""

import asyncio
import secrets
from http import HTTPStatus
from typing import Final, NamedTuple

from fastapi import Request, Response

from app.api.problems import Refusal
from app.metrics.instruments import Instruments
from app.metrics.table import ServerName
from app.redis_store.link import Dial, Link
from app.redis_store.party_keys import SESSION_MS, Found, PartyKeys
from app.viewing.party import ADMIN, Party, parse_party

COOKIE: Final = "redcat_session"
LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
RECHECK_S: Final = 0.5
MOST_RECHECKS: Final = 10_000


class Grant(NamedTuple):
    """What a request may see, and by which key; without one: all, because there are no keys and nobody else can ask."""

    party: Party
    key_hash: str | None = None


class Access:
    """Decides who a request is from.  Keys are looked up for each request, so that a revocation counts at once."""

    def __init__(self, dial: Dial, group: str, instruments: Instruments[ServerName], *, loopback: bool) -> None:
        """`loopback`: only this machine can reach the server, so that it may be open as long as it has no keys."""
        self._dial = dial
        self._group = group
        self._loopback = loopback
        self._refused = instruments.counter("redcat_http_refused_total")
        self._link: Link | None = None
        self._dialling = asyncio.Lock()
        self._checked: dict[str, tuple[float, bool]] = {}

    async def grant(self, request: Request) -> Grant:
        """The grant of a request; a refusal 401 if it has none."""
        grant = await self.granted(request)
        if grant is None:
            self._refused.labels("wrong_key" if _presents(request) else "no_key").inc()
            detail = "send the header `Authorization: Bearer KEY` with a key that is in force"
            headers = {"WWW-Authenticate": 'Bearer realm="redcat"'}
            if COOKIE in request.cookies and _same_site(request):
                headers["Set-Cookie"] = f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
            raise Refusal(HTTPStatus.UNAUTHORIZED, detail, headers)
        return grant

    async def granted(self, request: Request) -> Grant | None:
        """The grant of a request, None if it has none."""
        keys = await self._keys()
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        session = request.cookies.get(COOKIE)
        if scheme.lower() != "bearer" and session and _same_site(request):
            found = await keys.of_session(session)
        else:
            found = await keys.of_key(secret.strip() if scheme.lower() == "bearer" else None)
        if found.key is not None:
            return Grant(parse_party(found.key.party), found.hash)
        return Grant(ADMIN) if self._open(found, request) else None

    async def log_in(self, secret: str) -> tuple[str, Party] | None:
        """A new session for a key, and whose it is; None if the key is not in force."""
        keys = await self._keys()
        found = await keys.of_key(secret)
        if found.key is None or found.hash is None:
            self._refused.labels("wrong_key").inc()
            return None
        session = secrets.token_urlsafe(32)
        await keys.begin_session(session, found.hash)
        return session, parse_party(found.key.party)

    async def log_out(self, request: Request) -> None:
        """End the session of a request, if it has one."""
        if session := request.cookies.get(COOKIE):
            await (await self._keys()).end_session(session)

    async def still(self, grant: Grant) -> bool:
        """Whether a grant that was given some time ago holds still; looked up twice a second at most."""
        now_s = asyncio.get_running_loop().time()
        mark = grant.key_hash or ""
        checked_s, holds = self._checked.get(mark, (0.0, False))
        if now_s - checked_s >= RECHECK_S:
            if len(self._checked) > MOST_RECHECKS:
                self._checked.clear()
            found = await (await self._keys()).of_hash(mark)
            holds = found.key is not None if grant.key_hash else not found.any_keys
            self._checked[mark] = now_s, holds
        return holds

    def close(self) -> None:
        """Disconnect."""
        if self._link is not None:
            self._link.close()

    async def _keys(self) -> PartyKeys:
        link = self._link
        if link is None or link.lost is not None:
            async with self._dialling:
                if self._link is None or self._link.lost is not None:
                    self._link = await self._dial(0)
                link = self._link
        return PartyKeys(link, self._group)

    def _open(self, found: Found, request: Request) -> bool:
        # A name that leads here although it is none of this machine's is a page in a browser that tries to get in.
        known_host = (request.url.hostname or "") in LOOPBACK_HOSTS
        # A key that was revoked must not open more than it did.
        return self._loopback and known_host and not found.any_keys and not _presents(request)


def set_session(response: Response, session: str, *, secure: bool) -> None:
    """Give a browser its session: out of reach for scripts, and never sent along from other sites."""
    response.set_cookie(
        COOKIE, session, max_age=SESSION_MS // 1_000, path="/", secure=secure, httponly=True, samesite="strict"
    )


def _presents(request: Request) -> bool:
    return "authorization" in request.headers or COOKIE in request.cookies


def _same_site(request: Request) -> bool:
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
