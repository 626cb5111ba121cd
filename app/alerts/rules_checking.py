"""`redcat alerts check`: all that is wrong with a rules file at once, each with its place."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, get_args

import msgspec

from app.alerts.calendar import moment_ms
from app.alerts.model import SCOPE_KINDS, Direction, Metric
from app.alerts.rules import DURATION, Maintenance, Moment, Promotion, Rule, Rules, ScopePattern, Severity, TimeOfDay
from app.policies.checking_documents import Document, Path, Place, read_documents
from app.policies.checking_fixes import duration_fix, nearest
from app.policies.checking_texts import ENGLISH, CheckTexts, path_text, problem
from app.policies.checking_walk import Finding as Flaw
from streams.errors import Misconfigured

_STEP: Final = re.compile(r"\.([A-Za-z_]+)|\[(\d+)\]")
_NAMED: Final = re.compile(r"field `([^`]*)`")
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "metric": get_args(Metric), "scopes": SCOPE_KINDS, "direction": get_args(Direction),
    "severity": get_args(Severity), "severities": get_args(Severity), "kind": ("sale", "presale"),
}  # fmt: skip
_EXPLAINED: Final = {
    DURATION: "must be a duration such as 90s, 10m, 4h or 2d",
    get_args(Moment)[1].pattern: "must be a time in Shanghai such as 11-11 00:00 or 2026-11-11 00:00",
    get_args(TimeOfDay)[1].pattern: "must be a time of day such as 22:30",
    get_args(ScopePattern)[1].pattern: "must be KIND:ID or KIND:PREFIX*, such as note:abc or campaign:c42*",
    get_args(Rule.__annotations__["name"])[1].pattern: "must be lower case letters, digits and hyphens",
}
TOPIC_METRICS: Final = ("dead_letter_share", "consumed")


class Finding(NamedTuple):
    """An error of a rules file."""

    path: Path
    place: Place | None
    problem: str

    def line(self, source: str) -> str:
        """The error as compilers tell theirs: FILE:LINE:COLUMN."""
        place = "".join(f":{number}" for number in self.place or ())
        where = f"{path_text(self.path)}: " if self.path else ""
        return f"{source}{place}: error: {where}{self.problem}"


class Checked(NamedTuple):
    """What a file comes to: its rules, if there are no findings."""

    rules: Rules | None
    findings: list[Finding]


def check_rules(text: str, texts: CheckTexts = ENGLISH) -> Checked:
    """Everything that is wrong with the text of a rules file; what is wrong with it as YAML is said in `texts`."""
    documents, flaws = read_documents(text)
    findings = [Finding(flaw.path, flaw.place, problem(Flaw("error", *flaw, None), texts)) for flaw in flaws]
    if not findings and len(documents) != 1:
        findings.append(Finding((), None, "must be one document with a list `rules`"))
    if findings:
        return Checked(None, findings)
    findings, rules = _converted(documents[0])
    if rules is not None:
        findings = [_at(documents[0], path, said) for path, said in _contradictions(rules)]
    findings.sort(key=lambda finding: finding.place or (0, 0))
    return Checked(None if findings else rules, findings)


def parse_rules(text: str, source: str) -> Rules:
    """The rules of a text; Misconfigured tells every error with its place, `source` names the text."""
    rules, findings = check_rules(text)
    if rules is None:
        raise Misconfigured("\n".join(finding.line(source) for finding in findings))
    return rules


def _converted(document: Document) -> tuple[list[Finding], Rules | None]:
    """The decoder stops at the first error; so what is wrong is taken out, and it is asked again."""
    findings: list[Finding] = []
    content = document.content
    taken_out: list[Path] = []
    while True:
        try:
            rules = msgspec.convert(content, Rules)
        except msgspec.ValidationError as error:
            said, _, where = str(error).partition(" - at `$")
            path = tuple(name or int(index) for name, index in _STEP.findall(where))
            path = _original(path, taken_out)
            named = _NAMED.search(said)
            unknown = named is not None and "unknown" in said
            full = (*path, named[1]) if named is not None and unknown else path
            lacking = (*path, named[1]) if named is not None and not unknown else None
            of_its_own = lacking not in taken_out if lacking else not any(_below(gone, full) for gone in taken_out)
            if of_its_own:
                findings.append(_at(document, full, _told(said, full, _found(document.content, full))))
            if not full:
                return findings, None
            taken_out.append(full)
            content = _without(document.content, taken_out)
        else:
            return findings, None if findings else rules


def _below(path: Path, whole: Path) -> bool:
    return len(path) > len(whole) and path[: len(whole)] == whole


def _original(path: Path, taken_out: list[Path]) -> Path:
    """The place in the whole document of what stands at `path` when some items of lists have been taken out."""
    whole: Path = ()
    for step in path:
        if isinstance(step, int):
            for gone in sorted(p[-1] for p in taken_out if p[:-1] == whole and isinstance(p[-1], int)):
                step += gone <= step  # noqa: PLW2901  # every one that is gone before it moves it by one
        whole = (*whole, step)
    return whole


def _without(content: Any, taken_out: list[Path], path: Path = ()) -> Any:
    if isinstance(content, dict):
        items = ((name, (*path, name), value) for name, value in content.items())
        return {name: _without(value, taken_out, below) for name, below, value in items if below not in taken_out}
    if isinstance(content, list):
        places = (((*path, index), value) for index, value in enumerate(content))
        return [_without(value, taken_out, below) for below, value in places if below not in taken_out]
    return content


def _found(content: Any, path: Path) -> Any:
    for step in path:
        content = content[step]
    return content


def _at(document: Document, path: Path, said: str) -> Finding:
    place = document.names.get(path) or document.values.get(path) or document.values.get(path[:-1])
    return Finding(path, place, said)


def _told(said: str, path: Path, found: Any) -> str:
    """What the decoder says, in the words of those who write rules."""
    pattern = re.search(r"matching regex '(.*)'", said)
    if pattern is not None:
        explained = _EXPLAINED.get(pattern[1].replace(r"\\", "\\"), "is not spelt as it must be")
        right = duration_fix(str(found)) if pattern[1] == DURATION else None
        return f"{explained}, not {found!r}" + (f"; write {right}" if right else "")
    if said.startswith("Invalid enum value"):
        field = next((step for step in reversed(path) if isinstance(step, str)), "")
        choices = _CHOICES.get(field, ())
        close = nearest(str(found), choices)
        return f"{found!r} is no choice here; " + (
            f"did you mean {close}?" if close else f"choices are {', '.join(choices)}"
        )
    named = _NAMED.search(said)
    if named is not None:
        return "is unknown here" if "unknown" in said else f"lacks {named[1]}"
    words: Mapping[str, str] = {"array": "a list", "object": "a mapping", "str": "text", "float": "a number"}
    said = re.sub(r"`(\w+)`", lambda match: words.get(match[1], match[1]), said)
    return said[:1].lower() + said[1:]


def _contradictions(rules: Rules) -> Iterator[tuple[Path, str]]:
    """What the types alone cannot say."""
    known: dict[str, int] = {}
    for number, rule in enumerate(rules.rules):
        path: Path = ("rules", number)
        if known.setdefault(rule.name, number) != number:
            yield (*path, "name"), f"{rule.name} is the name of rules[{known[rule.name]}] too"
        for at, said in _contradictions_of(rule):
            yield (*path, at), said
    timed: list[tuple[Path, Promotion | Maintenance]] = [
        *((("calendar", number), entry) for number, entry in enumerate(rules.calendar)),
        *((("maintenance", number), window) for number, window in enumerate(rules.maintenance)),
    ]
    for path, one in timed:
        yield from (((*path, at), said) for at, said in _times(one))


def _contradictions_of(rule: Rule) -> Iterator[tuple[str, str]]:
    topics = rule.metric in TOPIC_METRICS
    if topics != ("topic" in rule.scopes) or (topics and len(rule.scopes) > 1):
        yield "scopes", f"must be [topic] with {', '.join(TOPIC_METRICS)}, and only with these"
    if rule.metric == "lateness_s" and not rule.limit:
        yield "metric", "needs a limit, in seconds"
    if rule.metric == "lateness_s" and "note" in rule.scopes:
        yield "scopes", "must be larger than a note: facts are late by platform"
    if rule.direction == "drop" and max(rule.changes) > 1:
        yield "changes", "cannot be a drop by more than 1, that is by all there is"
    for at_least in (rule.at_least, *(one.at_least for one in rule.overrides)):
        if rule.direction == "drop" and at_least is not None and at_least.relative > 1:
            yield "at_least", "relative cannot be more than 1 with a drop"
    if rule.reason is not None and rule.metric != "refused_share":
        yield "reason", "belongs to the metric refused_share"


def _times(entry: Promotion | Maintenance) -> Iterator[tuple[str, str]]:
    wrong = False
    for name in ("start", "end"):
        try:
            moment_ms(getattr(entry, name), 2028)  # a leap year
        except ValueError:
            wrong = True
            yield name, f"there is no such time: {getattr(entry, name)}"
    if not wrong and (len(entry.start) == len(entry.end)) and len(entry.start) > len("MM-DD HH:MM"):
        if moment_ms(entry.start, 0) >= moment_ms(entry.end, 0):
            yield "end", "must be later than the start"
    elif not wrong and len(entry.start) != len(entry.end):
        yield "end", "must have a year if the start has one, and none otherwise"
