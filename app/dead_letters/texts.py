"""What the commands for dead letters say on a terminal, in English and in Chinese."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

from collections.abc import Mapping
from typing import Final, NamedTuple

from app.texts import language_of


class DeadLetterTexts(NamedTuple):
    """One language; what stands in braces is filled in."""

    topic: str
    every: str
    were_replayed: str
    latest: str
    place: str
    key: str
    no_key: str
    no_value: str
    empty: str
    clipped: str
    replayed: str
    unknown: str
    none: str
    none_fits: str
    would_replay: str
    did_replay: str
    before: str
    left_alone: str
    more_problems: str
    examples: str
    dry_run: str
    then: str
    reading: str


ENGLISH: Final = DeadLetterTexts(
    topic="topic",
    every="all",
    were_replayed="{count} of them were replayed",
    latest="the latest {shown} of {letters}; --limit shows more, --json all of them in full",
    place="from partition {partition}, offset {offset}",
    key="key {key}",
    no_key="no key",
    no_value="no value",
    empty="an empty value",
    clipped="{bytes} bytes",
    replayed="replayed",
    unknown="unknown",
    none="there are no dead letters",
    none_fits="no dead letter fits the selection",
    would_replay="{count} of {selected} letters would be replayed",
    did_replay="{count} of {selected} letters were replayed",
    before="{count} were replayed before",
    left_alone="{count} are left alone",
    more_problems="and {count} more; --json lists {most}",
    examples="for example, as it would be sent:",
    dry_run="nothing was sent; --run sends",
    then="; ",
    reading="reading dead letters",
)

CHINESE: Final = DeadLetterTexts(
    topic="主题",
    every="全部",
    were_replayed="其中 {count} 条已重放",
    latest="共 {letters} 条，显示最近 {shown} 条；--limit 可显示更多，--json 完整输出全部",
    place="原分区 {partition}，位点 {offset}",
    key="键 {key}",
    no_key="无键",
    no_value="无内容",
    empty="内容为空",
    clipped="共 {bytes} 字节",
    replayed="已重放",
    unknown="未知",
    none="没有死信",
    none_fits="没有符合条件的死信",
    would_replay="{selected} 条死信中有 {count} 条将被重放",
    did_replay="{selected} 条死信中已重放 {count} 条",
    before="{count} 条此前已重放",
    left_alone="{count} 条未处理",
    more_problems="另有 {count} 条；--json 列出前 {most} 条",
    examples="示例（将按此发送）：",
    dry_run="尚未发送任何记录；加 --run 才会发送",
    then="；",
    reading="正在读取死信",
)


def dead_letter_texts(language: str | None, environment: Mapping[str, str]) -> DeadLetterTexts:
    """The texts of `language` ("zh" or "en"), else of the locale that the environment names."""
    return CHINESE if language_of(language, environment) == "zh" else ENGLISH
