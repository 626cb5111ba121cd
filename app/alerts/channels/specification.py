"""Channels as people write them: `NAME=URL` or `NAME[critical,warning]=URL`, separated by blanks or line breaks."""

import re
from dataclasses import dataclass, field
from typing import Final, get_args

from app.alerts.rules import Severity
from streams.errors import Misconfigured

SETTING: Final = "REDCAT_ALERT_CHANNELS"
_FORM: Final = re.compile(r"([A-Za-z0-9_-]{1,64})(?:\[([a-z,]*)\])?=([a-z][a-z0-9+.-]*://\S+)")
_SEVERITIES: Final = get_args(Severity)


@dataclass(frozen=True)
class ChannelSpecification:
    """A channel's name, its address, which is a secret, and the severities it takes."""

    name: str
    url: str = field(repr=False)
    severities: frozenset[Severity]

    @property
    def scheme(self) -> str:
        return self.url.partition("://")[0]


def read_channels(text: str) -> list[ChannelSpecification]:
    """All channels of the setting; Misconfigured says which one is wrong, by number, for its text may be a secret."""
    channels = [_read(number, part) for number, part in enumerate(text.split(), 1)]
    names = [channel.name for channel in channels]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Misconfigured(f"{SETTING} has more than one channel {', '.join(sorted(twice))}")
    return channels


def _read(number: int, text: str) -> ChannelSpecification:
    match = _FORM.fullmatch(text)
    if match is None:
        raise Misconfigured(f"{SETTING}: channel {number} is not NAME=URL or NAME[critical,warning]=URL")
    name, severities, url = match.groups()
    wanted = [known for known in _SEVERITIES if known in severities.split(",")] if severities else list(_SEVERITIES)
    if severities is not None and len(wanted) != len(severities.split(",")):
        raise Misconfigured(f"{SETTING}: channel {name} takes severities {', '.join(_SEVERITIES)}, not [{severities}]")
    return ChannelSpecification(name, url, frozenset(wanted))
