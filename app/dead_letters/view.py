"""Dead letters for people: tables and lines of text that no record can upset."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from rich.table import Table
from rich.text import Text

from app.dead_letters.letters import CODES, Letter
from app.dead_letters.listing import Listing, Shown, by_topic
from app.dead_letters.report import MOST_PROBLEMS, Report
from app.dead_letters.texts import DeadLetterTexts
from streams.records import Message

MOST_CHARACTERS: Final = 200
SHOWN_PROBLEMS: Final = 20
NONE: Final = "-"


def counts(topics: Mapping[str, Mapping[str, int]], texts: DeadLetterTexts) -> Table:
    """Letters by topic and code, with sums where there is more than one of a kind."""
    found = {code for by_code in topics.values() for code in by_code}
    codes = [*(code for code in CODES if code in found), *sorted(found - {*CODES})]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(texts.topic, no_wrap=True)
    for name in (*codes, texts.every):
        table.add_column(safe(name), justify="right", no_wrap=True)
    for topic, by_code in topics.items():
        table.add_row(Text(safe(topic)), *_cells([by_code.get(code, 0) for code in codes]))
    if len(topics) > 1:
        table.add_row(texts.every, *_cells([sum(row.get(code, 0) for row in topics.values()) for code in codes]))
    return table


def listing(found: Listing, texts: DeadLetterTexts) -> Iterator[Text | Table]:
    """The counts, then the latest letters."""
    yield counts(by_topic(found.kinds), texts)
    if found.replayed:
        yield Text(texts.were_replayed.format(count=f"{found.replayed:,}"))
    latest = found.latest
    for shown in latest:
        yield Text()
        yield from _letter(shown, texts)
    if latest and len(latest) < found.letters:
        yield Text()
        yield Text(texts.latest.format(shown=f"{len(latest):,}", letters=f"{found.letters:,}"), "dim")


def report(found: Report, texts: DeadLetterTexts, *, run: bool) -> Iterator[Text | Table]:
    """What was replayed or would be, and what is left alone and why."""
    if found.replayable:
        yield counts(by_topic(found.replayable), texts)
        yield Text()
    done = texts.did_replay if run else texts.would_replay
    sums = [done.format(count=f"{found.replayable.total():,}", selected=f"{found.selected:,}")]
    if found.replayed_before:
        sums.append(texts.before.format(count=f"{found.replayed_before:,}"))
    if found.problems:
        sums.append(texts.left_alone.format(count=f"{found.left_alone.total():,}"))
    yield Text(texts.then.join(sums), "bold")
    yield from _problems(found, texts)
    if not run and found.examples:
        yield Text(texts.examples)
        yield from (_example(record, texts) for record in found.examples)
        yield Text(texts.dry_run, "bold")


def safe(text: str | bytes, most: int = MOST_CHARACTERS) -> str:
    """At most so many characters of a text that comes from outside; what does not print is written as an escape."""
    known = text[: 4 * most].decode(errors="backslashreplace") if isinstance(text, bytes) else text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in known[:most])


def _letter(shown: Shown, texts: DeadLetterTexts) -> Iterator[Text]:
    letter, replayed = shown
    parts = [
        (letter.name, "bold"),
        (safe(letter.topic or texts.unknown), ""),
        (safe(letter.code or texts.unknown), "red"),
        (_time(letter.timestamp_ms), ""),
        *([(place, "dim")] if (place := _place(letter, texts)) else []),
        (_key(letter.key, texts), "cyan"),
        *([(texts.replayed, "green")] if replayed else []),
    ]
    yield Text("  ").join(Text(text, style) for text, style in parts)
    if letter.message:
        yield Text(f"  {safe(letter.message)}", "italic")
    yield Text(f"  {_value(letter.value, texts)}")


def _place(letter: Letter, texts: DeadLetterTexts) -> str:
    if letter.original_partition is None or letter.original_offset is None:
        return ""
    return texts.place.format(partition=letter.original_partition, offset=letter.original_offset)


def _problems(found: Report, texts: DeadLetterTexts) -> Iterator[Text]:
    for letter, reason, message in found.problems[:SHOWN_PROBLEMS]:
        kind = f"{safe(letter.topic or texts.unknown)}  {safe(letter.code or texts.unknown)}"
        yield Text.assemble("  ", (letter.name, "bold"), f"  {kind}  ", (reason, "red"), f"  {safe(message)}")
    more = found.left_alone.total() - min(len(found.problems), SHOWN_PROBLEMS)
    if more:
        yield Text(f"  {texts.more_problems.format(count=f'{more:,}', most=f'{MOST_PROBLEMS:,}')}")


def _example(record: Message, texts: DeadLetterTexts) -> Text:
    return Text.assemble(f"  {record.topic}  ", (_key(record.key, texts), "cyan"), f"  {_value(record.value, texts)}")


def _key(key: bytes | None, texts: DeadLetterTexts) -> str:
    return texts.no_key if key is None else texts.key.format(key=safe(key, 130))


def _value(value: bytes | None, texts: DeadLetterTexts) -> str:
    if value is None:
        return texts.no_value
    shown = safe(value)
    if value and len(value.decode(errors="backslashreplace")) <= MOST_CHARACTERS:
        return shown
    return f"{shown}…  ({texts.clipped.format(bytes=f'{len(value):,}')})" if value else texts.empty


def _time(at_ms: int) -> str:
    """Local time with its offset."""
    try:
        return datetime.fromtimestamp(at_ms / 1_000).astimezone().isoformat(sep=" ", timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms"


def _cells(numbers: Iterable[int]) -> list[str]:
    row = list(numbers)
    return [f"{number:,}" if number else NONE for number in (*row, sum(row))]
