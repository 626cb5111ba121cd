"""Event times for people: in the time zone of the machine or in a named one."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from streams.errors import Misconfigured

LOCALTIME: Final = Path("/etc/localtime")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))


class Zone(NamedTuple):
    """A time zone and what people call it; without a `tz` it is whatever the machine goes by."""

    name: str
    tz: tzinfo | None

    def text(self, ms: int) -> str:
        """`2025-06-18 00:00:00.000`; what no calendar holds stays a number."""
        try:
            moment = (_EPOCH + timedelta(milliseconds=ms)).astimezone(self.tz)
        except (OverflowError, ValueError, OSError):
            return f"{ms} ms"
        return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")

    def short(self, ms: int) -> str:
        """As `text`, without the digits that are all zero."""
        return self.text(ms).removesuffix(".000").removesuffix(":00")


def zone(name: str | None, environment: Mapping[str, str] = os.environ) -> Zone:
    """The zone of that name, or else the machine's; Misconfigured if there is none of that name."""
    if name is None:
        return _of_machine(environment)
    known = _known(name)
    if known is None:
        raise Misconfigured(f"no time zone {name!r} is known here; such as Asia/Shanghai or UTC")
    return known


def span(ms: int) -> str:
    """A length of time by its two greatest units, such as `1d 2h`, and to the millisecond below a minute."""
    parts = []
    rest = abs(ms)
    for length, unit in _UNITS:
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if ms < 0 else "") + (" ".join(parts) or "0s")


def _known(name: str) -> Zone | None:
    try:
        return Zone(name, ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _of_machine(environment: Mapping[str, str]) -> Zone:
    if set_by_hand := environment.get("TZ", "").removeprefix(":"):
        return _known(set_by_hand) or Zone(set_by_hand, None)
    _, found, name = str(LOCALTIME.resolve()).rpartition("zoneinfo/")
    known = _known(name) if found else None
    return known or Zone(datetime.now().astimezone().strftime("UTC%z"), None)
