"""What `redcat policy check` says, in English and in Chinese; what stands in braces is filled in."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from app.policies.checking_documents import Path
from app.policies.checking_walk import Finding


class CheckTexts(NamedTuple):
    """One language."""

    problems: Mapping[str, str]
    fixes: Mapping[str, str]
    kinds: Mapping[str, str]
    levels: Mapping[str, str]
    document: str
    good: str
    bad: str
    separator: str


ENGLISH: Final = CheckTexts(
    problems={
        "no_yaml": "this is not YAML: {problem}",
        "too_deep": "nested too deep",
        "nothing": "the file holds no policy",
        "refused": "{problem}",
        "endless": "an alias to what it is a part of",
        "tag": "the tag {tag} is not read",
        "merge": "merge keys (<<) are not read",
        "name_no_text": "a name must be text, not a list or a mapping",
        "twice": "{shown} is given twice, first in line {line}",
        "name_read_as": "YAML reads the name {written} as {kind}, not as text",
        "no_scalar": "{written} has the form of {kind} and is none",
        "missing": "missing",
        "unknown": "unknown name {shown}",
        "no_policy": "a policy is a mapping of names to values, not {kind}",
        "no_mapping": "{name} must be a mapping of names to values, not {kind}",
        "no_list": "{name} must be a list, not {kind}",
        "no_wildcard": '"*" stands for no id of its own in {group}',
        "no_id": "{shown} is not an id",
        "read_as": "YAML reads {shown} as {kind}, but this is text",
        "no_choice": "{shown} is not one of {choices}",
        "no_duration": "{shown} is not a duration",
        "no_unit": "{shown} has no unit",
        "too_long": "{shown} is longer than any time can be",
        "no_number": "{shown} is not a whole number",
        "out_of_range": "{shown} is not between {low} and {high}",
        "gate_order": "a gate that is closed from {begin} cannot open at {shown}",
        "version_twice": "version {version} has another content in document {other}",
        "version_again": "version {version} stands in document {other} already, with the same content",
        "seconds": "{shown} ms is in January 1970: these look like seconds",
        "never": "version {version} is never in force: version {other} begins at the same time",
        "gate_late": "this gate closes when version {version} is in force already (from {from}, Shanghai)",
        "gate_cut": "this gate ends when version {version} comes into force (from {from}, Shanghai)",
        "gate_early": "this gate opens before the policy is in force (from {from}, Shanghai)",
        "no_platforms": "no platform is listed, so every click is refused",
        "no_links": "no link is allowed, so every click is refused",
        "platform_closed": "no category is open on {platform}, so every click to it is refused",
        "platform_unlisted": "{platform} is not under platforms, so this has no effect",
        "category_closed": "{category} and all below it are closed on every platform, so this has no effect",
        "category_unknown": "no industries name {category} or anything above or below it",
        "gate_closed_anyway": "{category} is closed there anyway, so this gate has no effect",
        "link_empty": "without {name} this line allows nothing",
        "link_again": "line {other} of the links allows all of this already",
        "override_empty": "{name} sets neither lead nor window",
        "order_life_short": "orders are kept longer than {shown} anyway, for the longest window and its slack",
        "window_zero": "a window of nothing: only facts within the lead before the click are credited",
    },
    fixes={
        "no_yaml": "an editor that knows YAML shows the place; several documents are separated by a line ---",
        "tag": "use plain text, numbers, lists and mappings",
        "merge": "write the values out",
        "name_no_text": "write a plain name",
        "twice": "keep one of them",
        "name_read_as": 'put it in quotes: "{written}"',
        "no_scalar": 'for text put it in quotes: "{written}"',
        "endless": "write the values out",
        "nearest": "did you mean {nearest}?",
        "known": "known are {known}",
        "only": "write {choices}",
        "in_windows": "it belongs below windows: {{{name}: ...}}",
        "all_windows": "all four are needed, such as windows: {{entry: 1d, favourite: 7d, cart: 7d, order: 15d}}",
        "write": "write {right}",
        "in_list": "write a list: [{shown}]",
        "quote": 'put it in quotes: "{shown}"',
        "id": "ids have 1 to 128 letters, digits and . _ ~ : @ + -",
        "duration": "write a whole number with s, m, h or d, such as 15d",
        "unit": "write {right}s, {right}m, {right}h or {right}d",
        "unquote": "write it without quotes",
        "milliseconds": "write milliseconds since 1970",
        "time": "write {right}, that is {said} in Shanghai",
        "gate_order": "closed_to_ms is the later of the two; leave it out for a gate that stays closed",
        "into": "put it into version {version} too",
        "version_twice": "give one of them a version of its own",
        "version_again": "leave one of them out",
    },
    kinds={
        "text": "text",
        "number": "a number",
        "truth": "true or false",
        "nothing": "nothing (null)",
        "date": "a date",
        "list": "a list",
        "mapping": "a mapping",
    },
    levels={"error": "error", "warning": "warning"},
    document="document {number}",
    good="good: versions {versions}; warnings: {warnings}",
    bad="errors: {errors}, warnings: {warnings}",
    separator="; ",
)

CHINESE: Final = CheckTexts(
    problems={
        "no_yaml": "不是合法的 YAML：{problem}",
        "too_deep": "嵌套过深",
        "nothing": "文件中没有策略",
        "refused": "{problem}",
        "endless": "别名指向包含它自身的内容",
        "tag": "不支持标签 {tag}",
        "merge": "不支持合并键（<<）",
        "name_no_text": "名称必须是文本，不能是列表或映射",
        "twice": "{shown} 出现了两次，第一次在第 {line} 行",
        "name_read_as": "YAML 把名称 {written} 读成了{kind}，而不是文本",
        "no_scalar": "{written} 形似{kind}，但并不是",
        "missing": "缺少这一项",
        "unknown": "未知名称 {shown}",
        "no_policy": "策略应为名称到值的映射，而不是{kind}",
        "no_mapping": "{name} 应为名称到值的映射，而不是{kind}",
        "no_list": "{name} 应为列表，而不是{kind}",
        "no_wildcard": '{group} 中的 "*" 不代表任何 id',
        "no_id": "{shown} 不是合法的 id",
        "read_as": "YAML 把 {shown} 读成了{kind}，而这里应为文本",
        "no_choice": "{shown} 不在 {choices} 之中",
        "no_duration": "{shown} 不是时长",
        "no_unit": "{shown} 没有单位",
        "too_long": "{shown} 超过了任何可能的时间",
        "no_number": "{shown} 不是整数",
        "out_of_range": "{shown} 不在 {low} 到 {high} 之间",
        "gate_order": "从 {begin} 起关闭的闸门不可能在 {shown} 打开",
        "version_twice": "版本 {version} 在文档 {other} 中另有不同内容",
        "version_again": "版本 {version} 已在文档 {other} 中，内容相同",
        "seconds": "{shown} 毫秒是 1970 年 1 月：看起来写成了秒",
        "never": "版本 {version} 从不生效：版本 {other} 同时开始",
        "gate_late": "该闸门关闭时，版本 {version} 已经生效（自上海时间 {from}）",
        "gate_cut": "版本 {version} 生效时（自上海时间 {from}）该闸门随之失效",
        "gate_early": "该闸门在策略生效之前就已打开（策略自上海时间 {from} 生效）",
        "no_platforms": "没有列出任何平台，所有点击都会被拒计",
        "no_links": "没有允许任何链接，所有点击都会被拒计",
        "platform_closed": "{platform} 没有开放任何品类，去往它的点击都会被拒计",
        "platform_unlisted": "platforms 中没有 {platform}，此处不起作用",
        "category_closed": "{category} 及其下级在所有平台都未开放，此处不起作用",
        "category_unknown": "industries 中没有 {category}，也没有它的上级或下级",
        "gate_closed_anyway": "{category} 在那里本来就未开放，该闸门不起作用",
        "link_empty": "没有 {name}，这一行什么也不允许",
        "link_again": "links 的第 {other} 行已允许这一行的全部内容",
        "override_empty": "{name} 既没有设置 lead，也没有设置窗口",
        "order_life_short": "订单本来就会保留得比 {shown} 更久（最长窗口加余量）",
        "window_zero": "窗口为零：只有点击之前、lead 以内的事件会计入",
    },
    fixes={
        "no_yaml": "支持 YAML 的编辑器会指出位置；多个文档之间用一行 --- 分隔",
        "tag": "请只用普通文本、数字、列表和映射",
        "merge": "请把值完整写出",
        "name_no_text": "请写普通名称",
        "twice": "请只保留一个",
        "name_read_as": '请加引号："{written}"',
        "no_scalar": '若是文本，请加引号："{written}"',
        "endless": "请把值完整写出",
        "nearest": "是否指 {nearest}？",
        "known": "可用的有 {known}",
        "only": "请写 {choices}",
        "in_windows": "应写在 windows 之下：windows: {{{name}: ...}}",
        "all_windows": "四个窗口都要写，例如 windows: {{entry: 1d, favourite: 7d, cart: 7d, order: 15d}}",
        "write": "请写 {right}",
        "in_list": "请写成列表：[{shown}]",
        "quote": '请加引号："{shown}"',
        "id": "id 由 1 到 128 个字母、数字和 . _ ~ : @ + - 组成",
        "duration": "请写整数加 s、m、h 或 d，例如 15d",
        "unit": "请写 {right}s、{right}m、{right}h 或 {right}d",
        "unquote": "请去掉引号",
        "milliseconds": "请写 1970 年以来的毫秒数",
        "time": "请写 {right}，即上海时间 {said}",
        "gate_order": "closed_to_ms 应是较晚的一个；一直关闭的闸门请省略它",
        "into": "请同时写入版本 {version}",
        "version_twice": "请给其中一个换一个版本号",
        "version_again": "请删去其中一个",
    },
    kinds={
        "text": "文本",
        "number": "数字",
        "truth": "真或假",
        "nothing": "空值（null）",
        "date": "日期",
        "list": "列表",
        "mapping": "映射",
    },
    levels={"error": "错误", "warning": "警告"},
    document="文档 {number}",
    good="通过：版本 {versions}；{warnings} 个警告",
    bad="{errors} 个错误，{warnings} 个警告",
    separator="；",
)


def check_texts(language: str) -> CheckTexts:
    """The texts of "zh" or of any other language."""
    return CHINESE if language == "zh" else ENGLISH


def path_text(path: Path) -> str:
    """A path as `platforms.jd.windows.order` or `gates[0].category`; names with dots in them in brackets and quotes."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[A-Za-z0-9_~@+*-]+", step):
            text += f".{step}" if text else step
        else:
            text += f"[{step!r}]"
    return text


def problem(finding: Finding, texts: CheckTexts) -> str:
    """What is wrong."""
    return texts.problems[finding.code].format_map(_worded(finding, texts))


def fix(finding: Finding, texts: CheckTexts) -> str | None:
    """What would be right, as far as that can be said."""
    template = None if finding.fix is None else texts.fixes.get(finding.fix)
    return None if template is None else template.format_map(_worded(finding, texts))


def _worded(finding: Finding, texts: CheckTexts) -> dict[str, str]:
    return {name: texts.kinds[value] if name == "kind" else value for name, value in finding.values.items()}


def line(finding: Finding, source: str, texts: CheckTexts) -> str:
    """All about a finding in one line that begins as compilers do: FILE:LINE:COLUMN."""
    place = "".join(f":{number}" for number in finding.place or ())
    where = [texts.document.format(number=finding.document)] if finding.document > 1 else []
    where += [path_text(finding.path)] if finding.path else []
    said = [problem(finding, texts), *filter(None, [fix(finding, texts)])]
    return f"{source}{place}: {texts.levels[finding.level]}: {': '.join((*where, texts.separator.join(said)))}"
