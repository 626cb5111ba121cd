"""What a check of records has found, for people and as JSON."""

from collections.abc import Iterator
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from app.dead_letters.view import safe
from app.recorded import KEY_FIELD
from app.validating.kinds import SHOWN_BYTES, Example, Fault, Found, Place, Warned
from app.validating.texts import ValidationTexts
from app.validating.validation import Validation

SHOWN_KEY: Final = 40
SHOWN_KINDS: Final = 20
LEAST_SHARE: Final = 0.0001


def json_of(found: Validation, source: str) -> dict[str, Any]:
    """Everything that was found; what is cut off or no UTF-8 is shown as well as can be."""
    topics = {
        topic: {
            "records": records,
            "valid": records - found.invalid[topic],
            "invalid": found.invalid[topic],
            "repeated": found.watch.repeated[topic],
        }
        for topic, records in found.records.items()
    }
    return {
        "source": source,
        "records": found.total,
        "valid": found.total - found.wrong,
        "invalid": found.wrong,
        "topics": topics,
        "errors": [
            {"topic": kind.topic, "code": kind.code, "field": kind.field} | _counted(of_kind, _all_of(found, kind))
            for kind, of_kind in found.faults.most_first()
        ],
        "warnings": [
            {"topic": kind.topic, "about": kind.about, "subject": kind.subject or None, "meant": kind.meant or None}
            | _counted(of_kind, _all_of(found, kind))
            for kind, of_kind in found.watch.warnings.most_first()
        ],
        "complete": not found.watch.forgetful,
    }


def _counted(found: Found, records: int) -> dict[str, Any]:
    examples = [
        _place_of(example.place)
        | {"key": None if example.key is None else example.key.decode(errors="replace")}
        | ({} if example.value is None else {"value": example.value.decode(errors="replace")})
        | ({"message": example.message} if example.message else {})
        for example in found.examples
    ]
    return {"count": found.count, "share": round(found.count / records, 6), "examples": examples}


def _place_of(place: Place) -> dict[str, int]:
    if place.partition is None:
        return {"line": place.number}
    return {"partition": place.partition, "offset": place.number}


def _all_of(found: Validation, kind: Fault | Warned) -> int:
    """The number of records that a share is of: those of the topic, or all lines."""
    return found.total if kind.topic is None else found.records[kind.topic]


def report(found: Validation, source: str, texts: ValidationTexts) -> Iterator[RenderableType]:
    """Everything that was found, to be printed one below the other."""
    if not found.total:
        yield Text(texts.nothing.format(source=source))
        return
    numbers = {"records": f"{found.total:,}", "invalid": f"{found.wrong:,}", "share": _share(found.wrong, found.total)}
    yield Text(texts.summary.format(source=source, **numbers), "bold red" if found.wrong else "bold green")
    yield Text()
    yield _topics(found, texts)
    for title, style, kinds in (
        (texts.errors, "red", found.faults.most_first()),
        (texts.warnings, "yellow", found.watch.warnings.most_first()),
    ):
        if kinds:
            yield Text()
            yield Text(title, f"bold {style}")
        for kind, of_kind in kinds[:SHOWN_KINDS]:
            yield from _kind(kind, of_kind, _all_of(found, kind), texts, style)
        if len(kinds) > SHOWN_KINDS:
            more = sum(of_kind.count for _, of_kind in kinds[SHOWN_KINDS:])
            yield Text(texts.more_kinds.format(kinds=f"{len(kinds) - SHOWN_KINDS:,}", records=f"{more:,}"), "dim")
    if found.watch.forgetful:
        yield Text()
        yield Text(texts.forgetful, "dim")


def _topics(found: Validation, texts: ValidationTexts) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(texts.topic, no_wrap=True)
    for name in (texts.records, texts.valid, texts.invalid, texts.repeated):
        table.add_column(name, justify="right", no_wrap=True)
    for topic, records in found.records.items():
        invalid = found.invalid[topic]
        numbers = (records, records - invalid, invalid, found.watch.repeated[topic])
        table.add_row(topic, *(f"{number:,}" if number else "-" for number in numbers))
    return table


def _kind(kind: Fault | Warned, found: Found, records: int, texts: ValidationTexts, style: str) -> Iterator[Text]:
    name = kind.code if isinstance(kind, Fault) else kind.about
    counted = texts.records_of.format(count=f"{found.count:,}", share=_share(found.count, records))
    yield Text("  ").join([Text(kind.topic or "-"), Text(name, style), Text(counted, "bold")])
    yield Text(f"  {fault_text(kind, texts) if isinstance(kind, Fault) else warning_text(kind, texts)}")
    for number, example in enumerate(found.examples):
        if example.message and number == 0:
            yield Text(f"  {texts.decoder.format(message=safe(example.message))}", "italic")
        yield _example(example, texts)


def fault_text(kind: Fault, texts: ValidationTexts) -> str:
    """What is wrong, in a sentence."""
    text = texts.codes.get(kind.code, kind.code)
    return text.format(field=safe(kind.field or "…"), key=KEY_FIELD.get(kind.topic or "", "…"))


def warning_text(kind: Warned, texts: ValidationTexts) -> str:
    """What is probably not meant, in a sentence."""
    meant = texts.units.get(kind.meant, safe(kind.meant))
    text = texts.about[kind.about].format(subject=safe(kind.subject) or "…", meant=meant)
    return text + texts.meant.format(meant=meant) if meant and kind.about != "time_unit" else text


def _example(example: Example, texts: ValidationTexts) -> Text:
    place = example.place
    where = texts.line.format(number=place.number) if place.partition is None else f"{place.partition}@{place.number}"
    key = texts.no_key if example.key is None else safe(example.key, SHOWN_KEY)
    if example.value == b"":
        value = texts.no_value
    else:
        value = safe(example.value or b"", SHOWN_BYTES) + ("…" if example.length > SHOWN_BYTES else "")
    return Text.assemble("    ", (where, "bold"), "  ", (key, "cyan"), *([f"  {value}"] if value else []))


def _share(count: int, records: int) -> str:
    share = count / records
    return f"{share:.2%}" if share >= LEAST_SHARE or not count else f"<{LEAST_SHARE:.2%}"
