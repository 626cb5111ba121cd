"""Rules files: what is wrong is all said at once and at its place; what is right means what it says."""

from datetime import datetime

import pytest

from app.alerts.calendar import SHANGHAI, hour_of_week, maintained, promotion_at, quiet
from app.alerts.model import Scope
from app.alerts.rules import AtLeast, Maintenance, Override, Promotion, QuietHours, Rule, fits
from app.alerts.rules_checking import check_rules, parse_rules
from app.alerts.rules_file import read_rules
from streams.errors import Misconfigured

GOOD = "rules:\n  - {name: a, metric: clicks, scopes: [platform]}\n"


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()) * 1_000


ERRORS = [
    ("rules: []\n", ["f:1:1: error: rules: expected a list of length >= 1"]),
    ("- a\n", ["f:1:1: error: expected a mapping, got a list"]),
    ("", ["f: error: must be one document with a list `rules`"]),
    (GOOD + "---\n" + GOOD, ["f: error: must be one document with a list `rules`"]),
    ("rules:\n  - {name: a, metric: clicks}\n", ["f:2:5: error: rules[0]: lacks scopes"]),
    (
        "rules: [{name: a, metric: clicks, scopes: [note], severity: note}]",
        ["f:1:51: error: rules[0].severity: 'note' is no choice here; choices are info, warning, critical"],
    ),
    (
        "rules:\n  - {name: a, metric: klicks, scopes: [nose], often: 1}\n",
        [
            "f:2:15: error: rules[0].metric: 'klicks' is no choice here; did you mean clicks?",
            "f:2:40: error: rules[0].scopes[0]: 'nose' is no choice here; did you mean note?",
            "f:2:47: error: rules[0].often: is unknown here",
        ],
    ),
    (
        "rules:\n  - {name: a, metric: clicks, scopes: [note], pending: 5 minutes}\n",
        ["f:2:47: error: rules[0].pending: must be a duration such as 90s, 10m, 4h or 2d, not '5 minutes'; write 5m"],
    ),
    (
        GOOD + "  - {name: a, metric: consumed, scopes: [note]}\n",
        [
            "f:3:6: error: rules[1].name: a is the name of rules[0] too",
            "f:3:33: error: rules[1].scopes: must be [topic] with dead_letter_share, consumed, and only with these",
        ],
    ),
    (
        "rules:\n  - {name: a, metric: clicks, scopes: [note], changes: [2], at_least: {relative: 3}}\n",
        [
            "f:2:47: error: rules[0].changes: cannot be a drop by more than 1, that is by all there is",
            "f:2:61: error: rules[0].at_least: relative cannot be more than 1 with a drop",
        ],
    ),
    (
        GOOD + 'calendar:\n  - {name: x, start: "13-01 00:00", end: "2026-01-01 00:00"}\n',
        ["f:4:15: error: calendar[0].start: there is no such time: 13-01 00:00"],
    ),
    (
        GOOD + 'maintenance:\n  - {start: "2026-01-02 00:00", end: "2026-01-01 00:00", scopes: ["note:a"]}\n',
        ["f:4:33: error: maintenance[0].end: must be later than the start"],
    ),
]


@pytest.mark.parametrize(("text", "expected"), ERRORS)
def test_errors_are_all_told_with_their_places(text: str, expected: list[str]) -> None:
    checked = check_rules(text)

    assert checked.rules is None
    assert [finding.line("f") for finding in checked.findings] == expected


def test_an_error_in_a_list_does_not_move_the_places_of_those_after_it() -> None:
    text = "rules:\n  - 1\n  - {name: a, metric: clicks, scopes: [note]}\n  - {name: b, metric: x, scopes: [note]}\n"

    assert [finding.path for finding in check_rules(text).findings] == [("rules", 0), ("rules", 2, "metric")]


def test_the_shipped_rules_are_good() -> None:
    assert len(read_rules(None).rules) >= 10


def test_wrong_rules_stop_who_wants_to_use_them() -> None:
    with pytest.raises(Misconfigured, match=r"f:1:1: error: rules"):
        parse_rules("rules: []\n", "f")


def test_the_last_override_that_fits_decides() -> None:
    rule = Rule(
        name="a",
        metric="clicks",
        scopes=["note"],
        overrides=[
            Override(scopes=["note:x*"], at_least=AtLeast(sample=7.0), mute=True),
            Override(scopes=["note:xy"], severity="info"),
        ],
    )

    assert rule.muted(Scope("note", "xz"))
    assert not rule.muted(Scope("note", "xy"))
    assert rule.at_least_of(Scope("note", "xy")).sample == 7
    assert rule.at_least_of(Scope("note", "y")).sample == AtLeast().sample
    assert (rule.severity_of(Scope("note", "xy")), rule.severity_of(Scope("note", "y"))) == ("info", "warning")


@pytest.mark.parametrize(
    ("pattern", "scope", "fit"),
    [
        ("note:a", Scope("note", "a"), True),
        ("note:a", Scope("note", "ab"), False),
        ("note:a*", Scope("note", "ab"), True),
        ("note:*", Scope("campaign", "a"), False),
    ],
)
def test_patterns_name_scopes(pattern: str, scope: Scope, *, fit: bool) -> None:
    assert fits(pattern, scope) == fit


def test_hours_of_the_week_begin_on_monday_in_shanghai() -> None:
    assert hour_of_week(ms("2026-11-16 00:00")) == 0
    assert hour_of_week(ms("2026-11-15 23:59")) == 167
    assert hour_of_week(ms("2026-11-17 13:30")) == 37


def test_promotions_without_a_year_come_every_year_and_may_last_over_its_end() -> None:
    calendar = [
        Promotion(name="long", start="12-30 00:00", end="01-02 00:00"),
        Promotion(name="inside", start="12-31 00:00", end="01-01 00:00"),
    ]

    def name(text: str) -> str | None:
        found = promotion_at(calendar, ms(text))
        return found[0].name if found else None

    assert [name(f"2027-{at} 00:00") for at in ("01-01", "01-02", "12-30", "12-31")] == ["long", None, "long", "inside"]


def test_quiet_hours_may_last_over_midnight_and_spare_what_is_critical() -> None:
    hours = [QuietHours(start="23:00", end="08:00")]

    assert [quiet(hours, "warning", ms(f"2026-11-16 {at}")) for at in ("22:59", "23:00", "07:59", "08:00")] == [
        False, True, True, False,
    ]  # fmt: skip
    assert not quiet(hours, "critical", ms("2026-11-16 23:30"))


def test_maintenance_holds_for_what_it_names_and_all_within() -> None:
    windows = [Maintenance(start="2026-12-01 02:00", end="2026-12-01 04:00", scopes=["platform:jd"])]
    jd, note = Scope("platform", "jd"), Scope("note", "n")

    assert maintained(windows, (note, jd), ms("2026-12-01 03:00")) is windows[0]
    assert maintained(windows, (note,), ms("2026-12-01 03:00")) is None
    assert maintained(windows, (jd,), ms("2026-12-01 04:00")) is None
