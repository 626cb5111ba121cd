"""What people see of alerts and what they may ask for: for the API, the dashboard and the command line."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import msgspec

from app.alerts.acting import read_remembered
from app.alerts.record import AlertRecord
from app.alerts.requests import LONGEST_TEXT, Acknowledgement, Requests, Silence, new_silence, read_requests
from app.connections import redis_address, until_answered
from app.redis_store.alerts import AlertStore
from app.redis_store.link import dialler
from app.settings import Settings
from streams.errors import Misconfigured

MOST_SILENCES: Final = 1_000


class Alerts(NamedTuple):
    """All alerts there are: pending and firing ones as they stand, and the last records of those that ended."""

    at_ms: int  # of the last evaluation; 0: there was none
    live: list[AlertRecord]  # the oldest first
    recent: list[AlertRecord]  # the newest first
    asked: Requests


class AlertDesk:
    """Looks at alerts and takes requests."""

    def __init__(self, store: AlertStore) -> None:
        self._store = store

    async def look(self) -> Alerts:
        """All alerts and requests as they stand."""
        state, asked = await self._store.state(), read_requests(*await self._store.asked())
        if state is None:
            return Alerts(0, [], [], asked)
        life = read_remembered(state).life
        live = sorted((alert.record for alert in life.alerts.values()), key=lambda one: (one.since_ms, one.alert_id))
        return Alerts(life.at_ms, live, life.recent[::-1], asked)

    async def silence(self, *, rule: str, scope: str, for_ms: int, by: str, why: str) -> Silence:
        """Tell nobody about some alerts for so long; Misconfigured if it makes no sense or there are too many."""
        alerts = await self.look()
        if len(alerts.asked.silences) >= MOST_SILENCES:
            raise Misconfigured(f"there are {MOST_SILENCES} silences: end some with `redcat alerts unsilence ID`")
        now_ms = alerts.at_ms or time.time_ns() // 1_000_000
        made = new_silence(rule=rule, scope=scope, until_ms=now_ms + for_ms, made_ms=now_ms, by=by, why=why)
        await self._store.put_silence(made.silence_id, msgspec.json.encode(made))
        return made

    async def end_silence(self, silence_id: str) -> None:
        """End a silence before its time; Misconfigured if there is none."""
        if not await self._store.end_silence(silence_id):
            raise Misconfigured(f"there is no silence {silence_id}")

    async def acknowledge(self, alert_id: str, *, by: str, why: str = "") -> Acknowledgement:
        """Say that somebody looks after an alert, which is then not told again; Misconfigured if it is not live."""
        alerts = await self.look()
        if alert_id not in {record.alert_id for record in alerts.live}:
            raise Misconfigured(f"no alert {alert_id} is pending or firing")
        made = Acknowledgement(alert_id=alert_id, at_ms=alerts.at_ms, by=by[:LONGEST_TEXT], why=why[:LONGEST_TEXT])
        await self._store.put_acknowledgement(alert_id, msgspec.json.encode(made))
        return made


@asynccontextmanager
async def alert_desk(settings: Settings) -> AsyncIterator[AlertDesk]:
    """A desk at the Redis that the settings name."""
    store = AlertStore(dialler(redis_address(settings)), settings.group)
    try:
        await until_answered(store.asked, server=f"Redis at {settings.shown()['redis']}")
        yield AlertDesk(store)
    finally:
        await store.close()
