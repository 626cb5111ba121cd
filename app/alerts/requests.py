"""What people asked for: silences and acknowledgements."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeVar

import msgspec

from app.alerts.model import SCOPE_KINDS, Scope
from app.alerts.record import AlertRecord
from app.alerts.rules import fits
from streams.errors import Misconfigured

ANY: Final = "*"
LONGEST_TEXT: Final = 500

Asked = TypeVar("Asked", bound=msgspec.Struct)


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody is told about some alerts until a moment; they are published all the same."""

    silence_id: str
    rule: str = ANY
    scope: str = ANY  # KIND:ID or KIND:PREFIX*
    until_ms: int
    made_ms: int
    by: str = ""
    why: str = ""

    def covers(self, record: AlertRecord, larger: Iterable[Scope], at_ms: int) -> bool:
        """Whether it holds now for an alert whose scope lies in these larger ones."""
        if at_ms >= self.until_ms or self.rule not in (ANY, record.rule):
            return False
        scopes = (Scope(record.scope, record.id), *larger)
        return self.scope == ANY or any(fits(self.scope, scope) for scope in scopes)


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody looks after an alert: it is not repeated."""

    alert_id: str
    at_ms: int
    by: str = ""
    why: str = ""


class Requests(NamedTuple):
    """Everything that was asked for."""

    silences: Mapping[str, Silence]
    acknowledged: Mapping[str, Acknowledgement]


NOTHING_ASKED: Final = Requests({}, {})


def new_silence(*, rule: str, scope: str, until_ms: int, made_ms: int, by: str, why: str) -> Silence:
    """A silence with an id of its own; Misconfigured if it would never hold."""
    if until_ms <= made_ms:
        raise Misconfigured("a silence ends after it begins")
    kind, colon, rest = scope.partition(":")
    if scope != ANY and (not colon or not rest or kind not in SCOPE_KINDS):
        raise Misconfigured(f"--scope is KIND:ID or KIND:PREFIX*, the kind one of {', '.join(SCOPE_KINDS)}")
    return Silence(
        silence_id=secrets.token_hex(4), rule=rule, scope=scope, until_ms=until_ms, made_ms=made_ms,
        by=by[:LONGEST_TEXT], why=why[:LONGEST_TEXT],
    )  # fmt: skip


def read_requests(silences: Mapping[str, bytes], acknowledged: Mapping[str, bytes]) -> Requests:
    """Requests as they are stored; what cannot be read is as if it had not been asked for."""
    return Requests(_read(silences, Silence), _read(acknowledged, Acknowledgement))


def _read(stored: Mapping[str, bytes], kind: type[Asked]) -> dict[str, Asked]:
    found: dict[str, Asked] = {}
    for key, value in stored.items():
        try:
            found[key] = msgspec.json.decode(value, type=kind)
        except msgspec.DecodeError:
            continue
    return found
