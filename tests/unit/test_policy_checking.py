"""`redcat policy check`: every error with its place and what would be right, and no other verdict than the core's."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from app.policies.checking import Checked, check_policies
from app.policies.checking_documents import Path, read_documents
from app.policies.checking_fixes import duration_fix, duration_text, time_fix, time_text
from app.policies.checking_texts import CHINESE, ENGLISH, fix, line, path_text, problem
from streams.core.policy import Policy, parse_policy
from tests.generators.policies import DEFAULT_POLICY, MIDNIGHT_MS, policies

HEAD = "version: 1\neffective_from_ms: 0\nwindows: {entry: 1d, favourite: 7d, cart: 7d, order: 15d}\n"
GOOD = (
    HEAD + "industries: {fmcg: open, health: open, toys: closed}\nplatforms: {taobao: {}, jd: {}}\n"
    'links: [{link: note, kinds: [ad], platforms: ["*"]}]\n'
)

HINT = " an editor that knows YAML shows the place; several documents are separated by a line ---"

WRONG = [
    (
        "a duration in words",
        HEAD.replace("15d", "15 days"),
        "3:54: windows.order: '15 days' is not a duration; write 15d",
    ),
    ("a duration in Chinese", HEAD + "lead: 2小时", "4:7: lead: '2小时' is not a duration; write 2h"),
    (
        "a duration nobody can guess",
        HEAD + "lead: soon",
        "4:7: lead: 'soon' is not a duration; write a whole number with s, m, h or d, such as 15d",
    ),
    ("a duration without unit", HEAD + "lead: 90", "4:7: lead: 90 has no unit; write 90s, 90m, 90h or 90d"),
    ("nothing without unit", HEAD + "lead: 0", "4:7: lead: 0 has no unit; write 0s"),
    ("a duration with a line break", HEAD + 'lead: "1d\\n"', "4:7: lead: '1d\\n' is not a duration; write 1d"),
    (
        "a duration beyond all time",
        HEAD + "order_life: 99999999999d",
        "4:13: order_life: '99999999999d' is longer than any time can be",
    ),
    (
        "a window too few",
        HEAD.replace("cart: 7d, ", ""),
        (
            "3:1: windows.cart: missing; all four are needed, such as windows: "
            "{entry: 1d, favourite: 7d, cart: 7d, order: 15d}"
        ),
    ),
    ("a name misspelt", HEAD + "windws: {}", "4:1: windws: unknown name 'windws'; did you mean windows?"),
    (
        "a window in the wrong place",
        HEAD + "platforms:\n  jd: {order: 7d}",
        "5:8: platforms.jd.order: unknown name 'order'; it belongs below windows: {order: ...}",
    ),
    (
        "a name of nothing known",
        HEAD + "gates: [{closed_from_ms: 1, colour: red}]",
        "4:29: gates[0].colour: unknown name 'colour'; known are closed_from_ms, closed_to_ms, platform, category",
    ),
    (
        "a platform that YAML reads as false",
        HEAD + "platforms: {no: {}}",
        '4:13: platforms.no: YAML reads the name no as true or false, not as text; put it in quotes: "no"',
    ),
    (
        "a campaign that is a number",
        HEAD + "campaigns: {1.5: {}}",
        "4:13: campaigns['1.5']: YAML reads the name 1.5 as a number, not as text; put it in quotes: \"1.5\"",
    ),
    (
        "a platform of a gate that YAML reads as true",
        HEAD + "gates: [{closed_from_ms: 1, platform: on}]",
        '4:39: gates[0].platform: YAML reads on as true or false, but this is text; put it in quotes: "on"',
    ),
    (
        "a category that is a date",
        HEAD + "gates: [{closed_from_ms: 1, category: 2026-11-11}]",
        '4:39: gates[0].category: YAML reads 2026-11-11 as a date, but this is text; put it in quotes: "2026-11-11"',
    ),
    (
        "a platform with nothing behind it",
        HEAD + "platforms:\n  taobao:\n  jd: {}",
        "5:10: platforms.taobao: taobao must be a mapping of names to values, not nothing (null); write {}",
    ),
    (
        "a date for a time",
        HEAD.replace("ms: 0", "ms: 2026-11-11"),
        (
            "2:20: effective_from_ms: 2026-11-11 is not a whole number; "
            "write 1794326400000, that is 2026-11-11 00:00 in Shanghai"
        ),
    ),
    (
        "a version in quotes",
        HEAD.replace("version: 1", 'version: "1"'),
        "1:10: version: '1' is not a whole number; write it without quotes",
    ),
    (
        "a version of 0",
        HEAD.replace("version: 1", "version: 0"),
        f"1:10: version: 0 is not between 1 and {2**53 - 1}",
    ),
    ("an unknown model", HEAD + "model: first", "4:8: model: 'first' is not one of last_click; write last_click"),
    (
        "an industry ajar",
        HEAD + "industries: {a: opn}",
        "4:17: industries.a: 'opn' is not one of closed, open; did you mean open?",
    ),
    (
        "one kind without a list",
        HEAD + "links: [{link: note, kinds: ad, platforms: []}]",
        "4:29: links[0].kinds: kinds must be a list, not text; write a list: ['ad']",
    ),
    (
        "an id with a space",
        HEAD + "categories: {a b: {}}",
        "4:14: categories['a b']: 'a b' is not an id; ids have 1 to 128 letters, digits and . _ ~ : @ + -",
    ),
    (
        "a wildcard campaign",
        HEAD + 'campaigns: {"*": {}}',
        '4:13: campaigns.*: "*" stands for no id of its own in campaigns',
    ),
    (
        "a gate that opens before it closes",
        HEAD + "gates: [{closed_from_ms: 5, closed_to_ms: 4}]",
        (
            "4:43: gates[0].closed_to_ms: a gate that is closed from 5 cannot open at 4; "
            "closed_to_ms is the later of the two; leave it out for a gate that stays closed"
        ),
    ),
    (
        "a name twice, deep down",
        HEAD + "platforms:\n  jd: {}\n  jd: {}",
        "6:3: platforms.jd: 'jd' is given twice, first in line 5; keep one of them",
    ),
    (
        "a merge",
        HEAD + "platforms: {<<: {jd: {}}}",
        "4:13: platforms['<<']: merge keys (<<) are not read; write the values out",
    ),
    (
        "a foreign tag",
        HEAD + "lead: !wait 1d",
        "4:7: lead: the tag !wait is not read; use plain text, numbers, lists and mappings",
    ),
    (
        "a date that is none",
        HEAD + "lead: 2026-99-99",
        '4:7: lead: 2026-99-99 has the form of a date and is none; for text put it in quotes: "2026-99-99"',
    ),
    (
        "an endless alias",
        HEAD + "platforms: &p {jd: *p}",
        "4:12: platforms.jd: an alias to what it is a part of; write the values out",
    ),
    (
        "a list for a name",
        HEAD + "? [a]\n: 1\n",
        "4:3: a name must be text, not a list or a mapping; write a plain name",
    ),
    (
        "a tag on a mapping",
        HEAD + "platforms: !!set {jd}",
        "4:12: platforms: the tag !!set is not read; use plain text, numbers, lists and mappings",
    ),
    (
        "a tag on a name",
        HEAD + "!own lead: 1d",
        "4:1: lead: the tag !own is not read; use plain text, numbers, lists and mappings",
    ),
    ("a list", "- 1", "1:1: a policy is a mapping of names to values, not a list"),
    (
        "no YAML",
        "version: [",
        "1:11: this is not YAML: expected the node content, but found '<stream end>', while parsing a flow node;"
        + HINT,
    ),
    (
        "a bell",
        HEAD + "lead: \a",
        "4:7: this is not YAML: character #x0007 is not allowed;" + HINT,
    ),
    ("empty documents only", "---\n---\n", " the file holds no policy"),
    ("nothing at all", "# only a comment\n", " the file holds no policy"),
    ("too deep", "[" * 1_500, " nested too deep"),
]


def said(checked: Checked) -> list[str]:
    """The lines about a file without its name and the level."""
    lines = [line(finding, "", ENGLISH) for finding in checked.findings]
    return [
        text.removeprefix(":").replace(" error:", "", 1).replace(" warning:", "", 1).removeprefix(":") for text in lines
    ]


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_an_error_is_told_with_its_place_and_what_would_be_right(text: str, expected: str) -> None:
    checked = check_policies(text)
    assert said(checked) == [expected]
    assert checked.errors == 1


def test_all_errors_of_all_documents_are_told_at_once_in_the_order_of_the_file() -> None:
    text = f"lead: 1\n{HEAD}---\n- 1\n---\n{HEAD.replace('15d', '3d')}modle: x\n---\n{{"
    assert [
        (finding.document, finding.code, finding.place and finding.place.line)
        for finding in check_policies(text).findings
    ] == [
        (1, "no_unit", 1),
        (2, "no_policy", 6),
        (3, "version_twice", 8),
        (3, "unknown", 11),
        (4, "no_yaml", 13),
    ]


def test_the_same_version_with_the_same_content_is_idle_but_no_error() -> None:
    checked = check_policies(f"{GOOD}---\n{GOOD}")
    assert (checked.errors, checked.warnings) == (0, 1)
    assert said(checked) == [
        (
            "8:10: document 2: version: version 1 stands in document 1 already, with the same content; "
            "leave one of them out"
        ),
    ]


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_a_json_file_is_read_as_well_with_its_places(indent: int | str | None) -> None:
    good = json.dumps(DEFAULT_POLICY, indent=indent)
    assert check_policies(good) == Checked([parse_policy(dict(DEFAULT_POLICY))], [])
    wrong = json.dumps(DEFAULT_POLICY | {"lead": 5}, indent=indent)
    (finding,) = check_policies(wrong).findings
    assert finding.place is not None
    assert wrong.split("\n")[finding.place.line - 1][finding.place.column - 1] == "5"


IDLE = [
    (
        "a gate for an unlisted platform",
        "gates: [{closed_from_ms: 1, platform: taoba}]",
        "gates[0].platform: taoba is not under platforms, so this has no effect; did you mean taobao?",
    ),
    (
        "a link to an unlisted platform",
        "links: [{link: note, kinds: [ad], platforms: [xhs, jd]}]",
        "links[0].platforms[0]: xhs is not under platforms, so this has no effect; known are taobao, jd",
    ),
    (
        "a link of no kind",
        'links: [{link: note, kinds: [], platforms: ["*"]}]',
        "links[0].kinds: without kinds this line allows nothing",
    ),
    (
        "a link that an earlier one holds",
        'links: [{link: note, kinds: ["*"], platforms: [jd]}, {link: note, kinds: [ad], platforms: [jd]}]',
        "links[1]: line 1 of the links allows all of this already",
    ),
    (
        "an unknown category",
        "platforms: {jd: {industries: {'*': open}}}\ncategories: {helth: {lead: 1s}}",
        "categories.helth: no industries name helth or anything above or below it; did you mean health?",
    ),
    (
        "a closed category",
        "categories: {toys.games: {lead: 1s}}",
        "categories['toys.games']: toys.games and all below it are closed on every platform, so this has no effect",
    ),
    (
        "a gate on what is closed anyway",
        "gates: [{closed_from_ms: 1, category: toys}]",
        "gates[0].category: toys is closed there anyway, so this gate has no effect",
    ),
    (
        "a start in seconds",
        "effective_from_ms: 1750176000",
        "effective_from_ms: 1750176000 ms is in January 1970: these look like seconds; write 1750176000000",
    ),
    (
        "a gate on a category that looks like another",
        "platforms: {jd: {industries: {'*': open}}}\ngates: [{closed_from_ms: 1, category: helth.x}]",
        "gates[0].category: no industries name helth.x or anything above or below it; did you mean health?",
    ),
    (
        "a platform without an open category",
        "platforms: {jd: {}, pdd: {industries: {'*': closed}}}",
        "platforms.pdd: no category is open on pdd, so every click to it is refused",
    ),
    ("an override of nothing", "campaigns: {c1: {}}", "campaigns.c1: c1 sets neither lead nor window"),
    (
        "a window of 0",
        "campaigns: {c1: {windows: {entry: 0h}}}",
        "campaigns.c1.windows.entry: a window of nothing: only facts within the lead before the click are credited",
    ),
    (
        "an order life that is shorter than it can be",
        "order_life: 15d",
        "order_life: orders are kept longer than 15d anyway, for the longest window and its slack",
    ),
    (
        "a gate in seconds",
        "gates: [{closed_from_ms: 1750176000}]",
        "gates[0].closed_from_ms: 1750176000 ms is in January 1970: these look like seconds; write 1750176000000",
    ),
    ("no platform", "platforms: {}", "platforms: no platform is listed, so every click is refused"),
    ("no link", "links: []", "links: no link is allowed, so every click is refused"),
]


@pytest.mark.parametrize(("change", "expected"), [row[1:] for row in IDLE], ids=[row[0] for row in IDLE])
def test_what_has_no_effect_is_a_warning(change: str, expected: str) -> None:
    document = yaml.safe_load(GOOD) | yaml.safe_load(change)
    checked = check_policies(yaml.safe_dump(document, sort_keys=False))
    assert checked.errors == 0
    assert expected in [text.split(": ", 1)[1] for text in said(checked)]


LATER = GOOD.replace("version: 1", "version: 2").replace("ms: 0", f"ms: {MIDNIGHT_MS}")
INTO = "put it into version 2 too"
OF_TIMES = [
    (
        f"gates: [{{closed_from_ms: {MIDNIGHT_MS}}}]",
        "",
        "this gate closes when version 2 is in force already (from 2025-06-18 00:00, Shanghai); " + INTO,
    ),
    (
        f"gates: [{{closed_from_ms: {MIDNIGHT_MS - 1}}}]",
        "",
        "this gate ends when version 2 comes into force (from 2025-06-18 00:00, Shanghai); " + INTO,
    ),
    (
        "",
        f"gates: [{{closed_from_ms: 1, closed_to_ms: {MIDNIGHT_MS}}}]",
        "this gate opens before the policy is in force (from 2025-06-18 00:00, Shanghai)",
    ),
]


@pytest.mark.parametrize(("first", "second", "expected"), OF_TIMES)
def test_a_gate_outside_the_time_of_its_policy_is_a_warning(first: str, second: str, expected: str) -> None:
    (found,) = said(check_policies(f"{GOOD}{first}\n---\n{LATER}{second}"))
    assert found.endswith(f"gates[0]: {expected}")


@pytest.mark.parametrize(
    "gate", [f"{{closed_from_ms: 1, closed_to_ms: {MIDNIGHT_MS}}}", f"{{closed_from_ms: {MIDNIGHT_MS}}}"]
)
def test_a_gate_that_its_policy_holds_to_the_end_or_that_goes_on_in_the_next_is_no_warning(gate: str) -> None:
    again = "" if "closed_to_ms" in gate else f"gates: [{gate}]\n"
    assert check_policies(f"{GOOD}gates: [{gate}]\n---\n{LATER}{again}").findings == []


def test_a_version_that_another_one_hides_is_a_warning() -> None:
    (found,) = said(check_policies(f"{GOOD}---\n{GOOD.replace('version: 1', 'version: 2')}"))
    assert found == "1:1: version: version 1 is never in force: version 2 begins at the same time"


ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 2**43, 2**43 - 1, 2**53, 10**30, 1.0, 1.5, float("inf"), MIDNIGHT_MS),
    float(2**41),
    *(
        "",
        "*",
        "**",
        "jd",
        "a b",
        "a\n",
        "x" * 128,
        "x" * 129,
        "é",
        "on",
        "null",
        "1.5",
        "open",
        "closed",
        "ad",
        "note",
    ),
    *("15d", "0s", "15 days", "15d\n", "15D", "99999999999d", "9" * 5_000 + "s", "0" * 5_000 + "s", "-1d", "٣d", "1"),
    *(date(2026, 11, 11), datetime(2026, 11, 11, tzinfo=UTC)),
    *([], {}, ["*"], [None], {"order": "7d"}, {"windows": {}}, {"lead": "1s"}, {"*": "open"}, {"a": None}, [[]]),
    {"closed_from_ms": 1},
    {"link": "note", "kinds": ["*"], "platforms": ["*"]},
]
NAMES = [*Policy.__struct_fields__, "entry", "order", "*", "a b", "jd", "1", "closed_to_ms", "platform", "kinds", "x\n"]


def places_of(content: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of everything in a document."""
    yield path
    below = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for step, value in below:
        yield from places_of(value, (*path, step))


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A good policy with one to three things put in, taken away or replaced."""
    document: Any = copy.deepcopy(draw(st.one_of(st.just(DEFAULT_POLICY), policies().map(lambda some: some[-1]))))
    for _ in range(draw(st.integers(1, 3))):
        *steps, last = draw(st.sampled_from([path for path in places_of(document) if path] or [("version",)]))
        parent = document
        for step in steps:
            parent = parent[step]
        action = draw(st.sampled_from(("replace", "replace", "delete", "add")))
        value = copy.deepcopy(draw(st.sampled_from(ODD)))
        if isinstance(parent, list):
            parent[int(last)] = value
        elif action == "delete":
            parent.pop(last, None)
        else:
            parent[draw(st.sampled_from(NAMES)) if action == "add" else last] = value
    return document


@given(mutated(), st.booleans())
@settings(max_examples=75, deadline=None)
def test_it_takes_and_refuses_just_what_the_core_does(document: Any, flow: bool) -> None:
    text = yaml.safe_dump(document, default_flow_style=flow, allow_unicode=True)
    checked = check_policies(text)
    try:
        policy = parse_policy(document)
    except ValueError:
        assert checked.errors > 0
        assert "refused" not in {finding.code for finding in checked.findings}
    else:
        assert checked.errors == 0
        assert checked.policies == [policy]
    assert_can_be_told(checked)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_no_text_at_all_is_too_much_for_it(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([GOOD, json.dumps(DEFAULT_POLICY, indent="\t"), f"{GOOD}---\n{LATER}"]))
    pieces = st.sampled_from(
        ["", " ", "\n", "\t", ":", "{", "}", "[", "]", "-", "---\n", "*a", "&a ", "!", "'", '"', "0x_", "~", "<<", "="]
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(pieces) + text[at + data.draw(st.integers(0, 2)) :]
    checked = check_policies(text)
    assert_can_be_told(checked)
    if not checked.errors:
        assert checked.policies == [parse_policy(document.content) for document in read_documents(text)[0]]


def assert_can_be_told(checked: Checked) -> None:
    """Every finding has words in both languages, and a place unless it is about the file."""
    for finding in checked.findings:
        for language in (ENGLISH, CHINESE):
            assert problem(finding, language)
            assert finding.fix is None or fix(finding, language) or finding.fix == finding.code
        assert finding.place is not None or finding.code in ("nothing", "too_deep")


def test_both_languages_say_the_same_things() -> None:
    assert CHINESE.problems.keys() == ENGLISH.problems.keys()
    assert CHINESE.fixes.keys() == ENGLISH.fixes.keys()
    assert CHINESE.kinds.keys() == ENGLISH.kinds.keys()


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("15 days", "15d"),
        ("1h30m", "90m"),
        ("1.5 h", "90m"),
        ("2 weeks", "14d"),
        ("1 月", None),
        ("1500ms", None),
        ("", None),
    ],
)
def test_durations_in_words_are_understood_where_they_are_clear(written: str, right: str | None) -> None:
    assert duration_fix(written) == right


def test_durations_and_times_are_said_as_short_as_they_can_be() -> None:
    assert [duration_text(ms) for ms in (0, 90_000, 36 * 3_600_000, 86_400_000, 5)] == ["0s", "90s", "36h", "1d", "5ms"]
    assert [time_text(ms) for ms in (MIDNIGHT_MS, MIDNIGHT_MS + 1, 10**30)] == [
        "2025-06-18 00:00",
        "2025-06-18 00:00:00.001",
        str(10**30),
    ]


@pytest.mark.parametrize(
    ("written", "ms"),
    [
        ("1750176000000", MIDNIGHT_MS),
        (float(MIDNIGHT_MS), MIDNIGHT_MS),
        ("2025-06-18", MIDNIGHT_MS),
        (date(2025, 6, 18), MIDNIGHT_MS),
        (datetime(2025, 6, 17, 16, tzinfo=UTC), MIDNIGHT_MS),
        (1.5, None),
        ("soon", None),
        (True, None),
    ],
)
def test_a_time_in_other_words_is_understood_as_one_in_shanghai(written: Any, ms: int | None) -> None:
    found = time_fix(written)
    assert (found and found[0]) == ms


def test_a_path_can_be_told_from_a_name_with_dots() -> None:
    assert path_text(("categories", "fmcg.skin", "windows", "order")) == "categories['fmcg.skin'].windows.order"
