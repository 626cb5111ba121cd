"""What `redcat audit` says, and how it says it in English; what stands in braces is filled in."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from app.auditing.problems import Check, Kind
from app.auditing.report import Reason


class AuditTexts(NamedTuple):
    """One language."""

    columns: Mapping[str, str]
    currency_mismatch: str
    reused: str
    more_orders: str
    recounted: str
    complete: str
    expired: str
    no_hours: str
    published: str
    balances: str
    rest_balances: str
    some: str
    more: str
    unchecked: str
    reading: Mapping[str, str]
    too_many: str
    too_few: str
    scopes: Mapping[str, str]
    checks: Mapping[Check, str]
    reasons: Mapping[Reason, str]
    sentences: Mapping[Kind, str]


ENGLISH: Final = AuditTexts(
    columns={
        "topic": "topic",
        "consumed": "consumed",
        "distinct": "distinct",
        "absorbed": "absorbed",
        "duplicates": "duplicates",
        "conflicts": "of these conflicts",
        "forwarded": "forwarded",
        "invalid": "invalid",
        "outcome": "outcome",
        "entry": "entries",
        "favourite": "favourites",
        "cart": "carts",
        "order": "orders",
    },
    currency_mismatch="{count} order steps carry another currency than their order and were ignored",
    reused="{count} orders were seen under more than one token: {orders}",
    more_orders="and {count} more (--json lists all)",
    recounted="counted again from {journeys} journeys",
    complete="nothing has expired, so everything was compared",
    expired=(
        "some journeys have expired, so counters were only held against the least that they must be, "
        "and compared exactly for the clicks of {hours} hours since {since}"
    ),
    no_hours="some journeys have expired and no click is young enough to be compared exactly; "
    "counters were only held against the least that they must be",
    published="{results} results compared with the topic conversion",
    balances="everything balances",
    rest_balances="what was checked balances",
    some="{count} problems",
    more="and {count} more like this",
    unchecked="not checked: {checks} ({reason})",
    reading={"journeys": "counting again", "results": "reading results"},
    too_many="{count} too many",
    too_few="{count} too few",
    scopes={"n": "note", "p": "campaign", "m": "merchant", "g": "category", "c": "channel"},
    checks={
        "balance": "balance of the ledger",
        "buckets": "one outcome for each fact",
        "totals": "totals",
        "recount": "recount from journeys",
        "figures": "notes' own figures",
        "series": "time series",
        "results": "published results",
    },
    reasons={
        "moving": "the lanes did not stand still; run it again when less comes in",
        "outbox": "some results wait to be published; let a worker run",
        "left_out": "--no-results",
        "retention": "Kafka has deleted the oldest results; those that are missing may be among them",
    },
    sentences={
        "balance": (
            "lane {lane}, {topic}: {expected} records were consumed, but {names} comes to {found}, {difference}; "
            "look at the ledger of the lane and at `redcat dlq list --counts --topic {topic}`"
        ),
        "conflicts": (
            "lane {lane}, {topic}: {found} conflicts among only {expected} duplicates; look at the ledger of the lane"
        ),
        "buckets": (
            "lane {lane}: {expected} distinct facts of {topic}, but {found} outcomes of kind {kinds}, {difference}; "
            "look at the ledger of the lane"
        ),
        "totals": (
            "{row}: {name} is {found} in the totals, but the cells of the notes sum up to {expected}, {difference}; "
            "look at the row {key} of the lanes' totals"
        ),
        "counter": (
            "note {note}, cell {cell}: {name} is {found}, but the journeys give {expected}, {difference}; "
            "look at `redcat counters --note {note}`"
        ),
        "counter_too_small": (
            "note {note}, cell {cell}: {name} is {found}, but the journeys that are still held give {expected} "
            "already; look at `redcat counters --note {note}`"
        ),
        "line": (
            "ledger line {name} is {found}, but the journeys give {expected}, {difference}; "
            "look at the ledgers of the lanes"
        ),
        "line_too_small": (
            "ledger line {name} is {found}, but the journeys that are still held give {expected} already; "
            "look at the ledgers of the lanes"
        ),
        "unreadable": "lane {lane} holds what cannot be counted again: {error}; look at `redcat explain {token}`",
        "unreadable_note": "the latest record of note-metric of note {note} cannot be counted again: {error}",
        "figures": (
            "note {note}: {name} is {found}, but its latest record of note-metric says {expected}, {difference}; "
            "look at `redcat counters --note {note}`"
        ),
        "series_row": (
            "{row}, hours of clicks: {name} is {found} over all hours compared, but the journeys give {expected}, "
            "{difference}; look at the row {key} of the lanes' hours"
        ),
        "series_hour": (
            "clicks of the hour {time}: {name} is {found} over all notes, but the journeys give {expected}, "
            "{difference}; look at the lanes' hours:{hour}"
        ),
        "result_missing": (
            "{result} of token {token} was never published; look at `redcat explain {token}` and at "
            "`redcat results --latest --token {token}`"
        ),
        "result_differs": (
            "{result} of token {token} was published otherwise than its journey gives: {fields}; look at "
            "`redcat explain {token}` and at `redcat results --latest --token {token}`"
        ),
        "result_stray": (
            "{result} of token {token} was published, but no journey gives it; look at `redcat explain {token}` "
            "and at `redcat results --latest --token {token}`"
        ),
    },
)
