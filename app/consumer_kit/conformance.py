"""Whether the totals that a consumer reports are those of the recorded topic, and if not, where they differ."""

from typing import Final, NamedTuple

import msgspec

from app.consumer_kit.published import Amounts
from app.consumer_kit.recording import Recording
from streams.errors import Misconfigured

SHAPE: Final = '{NOTE: {CURRENCY: {"orders": N, "gross_minor": N, "refunded_minor": N}}}'
NOTHING: Final = Amounts()
NOT_RECORDED: Final = "the recording has no such note"

_report_in = msgspec.json.Decoder(dict[str, dict[str, Amounts]]).decode


class Difference(NamedTuple):
    """One wrong number, and what the recording shows by it."""

    note_id: str
    currency: str
    name: str
    reported: int
    right: int
    point: str

    def __str__(self) -> str:
        return f"{self.note_id}, {self.currency}: {self.name} is {self.reported}, should be {self.right} ({self.point})"


def differences(recording: Recording, report: bytes) -> list[Difference]:
    """All numbers in which a report differs, zeros and what is left out being equal; Misconfigured if it is none."""
    try:
        notes = _report_in(report)
    except msgspec.DecodeError as error:
        raise Misconfigured(f"this is no report: {error}; it must be JSON such as {SHAPE}") from error
    found = []
    for note in sorted({*recording.totals, *notes}):
        right, reported = recording.totals.get(note, {}), notes.get(note, {})
        point = recording.points.get(note, NOT_RECORDED)
        for currency in sorted({*right, *reported}):
            found += _unequal((note, currency, point), reported.get(currency, NOTHING), right.get(currency, NOTHING))
    return found


def _unequal(place: tuple[str, str, str], reported: Amounts, right: Amounts) -> list[Difference]:
    note, currency, point = place
    pairs = {name: (getattr(reported, name), getattr(right, name)) for name in Amounts.__struct_fields__}
    return [Difference(note, currency, name, *pair, point) for name, pair in pairs.items() if pair[0] != pair[1]]
