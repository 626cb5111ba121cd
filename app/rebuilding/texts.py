"""What `redcat rebuild` says to people, in English and Chinese."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from app.rebuilding.differences import Differences
from app.texts import language_of

SHOWN: Final = 20  # differences of each part


@dataclass(frozen=True)
class RebuildTexts:
    """Sentences; what is in braces is filled in."""

    steps: Mapping[str, str]
    absorbed: str
    forgotten: str
    behind: str
    equal: str
    differs: str
    difference: str
    more: str
    figures_equal: str
    figures_differ: str
    parts: Mapping[str, str]
    retold: str
    restored: str
    question: str
    no_terminal: str
    in_force: str
    compared_only: str
    kept: str
    absent: str


ENGLISH: Final = RebuildTexts(
    steps=MappingProxyType(
        {
            "copying": "absorbing the topics",
            "journeys": "comparing journeys, pages",
            "results": "reading the published results",
            "comparing": "comparing counters; lanes are held",
            "removing": "removing what is not in force, keys",
        }
    ),
    absorbed="{records} records were absorbed into a copy of namespace {group}.",
    forgotten="{count} journeys were erased from it again that had been forgotten.",
    behind=(
        "Lanes {lanes} in force are behind what was published: Redis was emptied or rolled back, so that there is "
        "nothing to compare with."
    ),
    equal="The copy equals what is in force: journeys, counters, ledger and series.",
    figures_equal="{group} and {other} show the same: counters of {notes} notes, totals and series.",
    figures_differ="{other} shows something else than {group}:",
    differs="The copy differs from what is in force, or from what was published:",
    difference="  {part} {place}: {stands} -> {copied}",
    more="  and {count} more of {part}",
    parts=MappingProxyType(
        {
            "journey": "journey",
            "figures": "note figures",
            "counter": "counter",
            "ledger": "ledger",
            "series": "series",
            "reused_order": "order",
            "result": "result",
        }
    ),
    retold="All results of lanes {lanes} will be told again, under new revisions.",
    restored="Markers were written again for lanes: {lanes}",
    question="Put the copy into force?",
    no_terminal=(
        "Nothing was changed: the copy is kept, and `redcat rebuild --yes` goes on from it and puts it into force."
    ),
    in_force="The copy is in force. Workers go on with it by themselves.",
    compared_only="Nothing was changed; the copy was removed.",
    kept="Nothing was changed; the copy is kept for the next run.",
    absent="none",
)

CHINESE: Final = RebuildTexts(
    steps=MappingProxyType(
        {
            "copying": "正在重放主题",
            "journeys": "正在比对旅程，页",
            "results": "正在读取已发布的结果",
            "comparing": "正在比对计数；通道暂停",
            "removing": "正在删除未生效的数据，键",
        }
    ),
    absorbed="已将 {records} 条记录重放到命名空间 {group} 的副本中。",
    forgotten="已从副本中再次删除 {count} 个曾被遗忘的旅程。",
    behind="生效中的通道 {lanes} 落后于已发布的结果：Redis 曾被清空或回滚，无从比对。",
    equal="副本与生效中的数据一致：旅程、计数、账本与时间序列。",
    figures_equal="{group} 与 {other} 完全一致：{notes} 篇笔记的计数、总计与时间序列。",
    figures_differ="{other} 与 {group} 不一致：",
    differs="副本与生效中的数据或已发布的结果不一致：",
    difference="  {part} {place}：{stands} -> {copied}",
    more="  另有 {count} 处 {part}",
    parts=MappingProxyType(
        {
            "journey": "旅程",
            "figures": "笔记数据",
            "counter": "计数",
            "ledger": "账本",
            "series": "时间序列",
            "reused_order": "订单",
            "result": "结果",
        }
    ),
    retold="通道 {lanes} 的全部结果将以新的修订号重新发布。",
    restored="已重新写入标记的通道：{lanes}",
    question="让副本生效？",
    no_terminal="没有改动任何数据：副本已保留，`redcat rebuild --yes` 会从它继续并使其生效。",
    in_force="副本已生效，worker 会自行切换。",
    compared_only="没有改动任何数据；副本已删除。",
    kept="没有改动任何数据；副本已保留，供下次运行使用。",
    absent="无",
)


def rebuild_texts(lang: str | None, environment: Mapping[str, str]) -> RebuildTexts:
    """In the language asked for, or that of the locale."""
    return CHINESE if language_of(lang, environment) == "zh" else ENGLISH


def difference_lines(differences: Differences, texts: RebuildTexts) -> list[str]:
    """The first differences of each part, and how many more there are."""
    lines = []
    for part, count in differences.counts.items():
        named = [one for one in differences.kept if one.part == part][:SHOWN]
        for one in named:
            sides = [texts.absent if side is None else side for side in (one.stands, one.copied)]
            said = texts.difference.format(part=texts.parts[part], place=one.place, stands=sides[0], copied=sides[1])
            lines.append(said)
        if count > len(named):
            lines.append(texts.more.format(count=f"{count - len(named):,}", part=texts.parts[part]))
    return lines
