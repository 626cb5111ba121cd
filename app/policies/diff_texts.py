"""What `redcat policy diff` says, in English and in Chinese; what stands in braces is filled in."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from app.explaining.times import Zone
from app.policies.checking_fixes import duration_text
from app.policies.diff import Change, Difference, Period
from app.policies.diff_boxes import ALL, Scope
from app.policies.diff_meaning import Closed


class DiffTexts(NamedTuple):
    """One language."""

    changes: Mapping[str, str]
    stages: Mapping[str, str]
    values: Mapping[str, str]
    origins: Mapping[tuple[str, str], str]
    scopes: Mapping[str, tuple[str, str]]
    exceptions: tuple[str, str]
    everywhere: str
    colon: str
    period: Mapping[tuple[bool, bool], str]
    versions: str
    same_version: str
    nothing_else: str
    rewritten: str
    kept: tuple[str, str]  # of all journeys, of those with an order
    equal: str
    zone: str
    comma: str


ENGLISH: Final = DiffTexts(
    changes={
        "platform": "{after}",
        "lead": "lead: {before} -> {after}",
        "window": "{stage} window: {before} -> {after}",
        "industry": "industry: {before} -> {after}",
        "link": "{origin}: {before} -> {after}",
        "gate": "gate: {before} -> {after}",
        "final": "results are final after {after} instead of {before}",
    },
    stages={"entry": "entry", "favourite": "favourite", "cart": "cart", "order": "order"},
    values={
        "listed": "listed now",
        "unlisted": "not listed any more: every click is refused",
        "open": "open",
        "closed": "closed",
        "yes": "allowed",
        "no": "not allowed",
        "never": "never closed",
        "all": "closed all the time",
        "from": "closed from {from}",
        "to": "closed until {to}",
        "between": "closed {from} until {to}",
    },
    origins={
        ("note", "ad"): "links of ad notes",
        ("note", "ugc"): "links of ordinary notes",
        ("comment", "ad"): "comment links under ad notes",
        ("comment", "ugc"): "comment links under ordinary notes",
    },
    scopes={
        "platforms": ("on {names}", "on all platforms but {names}"),
        "categories": ("in {names} and below", "in all categories but {names}"),
        "campaigns": ("for campaigns {names}", "for all campaigns but {names}"),
    },
    exceptions=(" without {names}", ", but also {names}"),
    everywhere="everywhere",
    colon=": ",
    period={
        (False, False): "All clicks",
        (False, True): "Clicks before {to}",
        (True, False): "Clicks from {from} on",
        (True, True): "Clicks from {from} until {to}",
    },
    versions="version {after} instead of {before}",
    same_version="version {after}, with another content",
    nothing_else="nothing else changes",
    rewritten="Version {version} is in both with different contents, which workers refuse: give it a new number.",
    kept=(
        "Journeys are kept for {after} after their last record, instead of {before}.",
        "Journeys with an order are kept for {after} after their last record, instead of {before}.",
    ),
    equal="No difference: all clicks are judged alike.",
    zone="Times are those of {zone}.",
    comma=", ",
)

CHINESE: Final = DiffTexts(
    changes={
        "platform": "{after}",
        "lead": "提前量：{before} -> {after}",
        "window": "{stage}窗口：{before} -> {after}",
        "industry": "品类：{before} -> {after}",
        "link": "{origin}：{before} -> {after}",
        "gate": "闸门：{before} -> {after}",
        "final": "结果在 {after} 后确定，原为 {before}",
    },
    stages={"entry": "进店", "favourite": "收藏", "cart": "加购", "order": "订单"},
    values={
        "listed": "现已列出",
        "unlisted": "不再列出：所有点击都会被拒计",
        "open": "开放",
        "closed": "关闭",
        "yes": "允许",
        "no": "不允许",
        "never": "从不关闭",
        "all": "一直关闭",
        "from": "自 {from} 起关闭",
        "to": "关闭至 {to}",
        "between": "{from} 至 {to} 关闭",
    },
    origins={
        ("note", "ad"): "广告笔记的链接",
        ("note", "ugc"): "普通笔记的链接",
        ("comment", "ad"): "广告笔记评论区的链接",
        ("comment", "ugc"): "普通笔记评论区的链接",
    },
    scopes={
        "platforms": ("平台 {names}", "除 {names} 外的所有平台"),
        "categories": ("品类 {names} 及其下级", "除 {names} 外的所有品类"),
        "campaigns": ("活动 {names}", "除 {names} 外的所有活动"),
    },
    exceptions=("（不含 {names}）", "，但含 {names}"),
    everywhere="全部",
    colon="：",
    period={
        (False, False): "所有点击",
        (False, True): "{to} 之前的点击",
        (True, False): "{from} 起的点击",
        (True, True): "{from} 至 {to} 的点击",
    },
    versions="版本 {after} 取代版本 {before}",
    same_version="版本 {after}，内容不同",
    nothing_else="其他不变",
    rewritten="版本 {version} 在两边内容不同：worker 会拒绝，请给新内容换一个版本号。",
    kept=(
        "旅程在最后一条记录之后保留 {after}，原为 {before}。",
        "有订单的旅程在最后一条记录之后保留 {after}，原为 {before}。",
    ),
    equal="没有差异：所有点击的判定都相同。",
    zone="时间为 {zone} 时间。",
    comma="，",
)


def diff_texts(language: str) -> DiffTexts:
    """The texts of "zh" or of any other language."""
    return CHINESE if language == "zh" else ENGLISH


def told(found: Difference, texts: DiffTexts, zone: Zone) -> Iterator[str]:
    """The lines that tell a difference."""
    if not found:
        yield texts.equal
    if any(period.from_ms is not None or period.to_ms is not None for period in found.periods):
        yield texts.zone.format(zone=zone.name)
    for version in found.rewritten:
        yield texts.rewritten.format(version=version)
    for period in found.periods:
        yield _headed(period, texts, zone)
        for change in period.changes:
            yield f"  {_change(change, texts, zone)}"
        if not period.changes:
            yield f"  {texts.nothing_else}"
    if found.kept:
        for template, before_ms, after_ms in zip(texts.kept, *found.kept, strict=True):
            if before_ms != after_ms:
                yield template.format(before=duration_text(before_ms), after=duration_text(after_ms))


def _headed(period: Period, texts: DiffTexts, zone: Zone) -> str:
    begin, end = period.from_ms, period.to_ms
    times = {"from": "" if begin is None else zone.short(begin), "to": "" if end is None else zone.short(end)}
    when = texts.period[begin is not None, end is not None].format_map(times)
    versions = texts.versions if period.before != period.after else texts.same_version
    return f"{when}{texts.colon}{versions.format(before=period.before, after=period.after)}"


def _change(change: Change, texts: DiffTexts, zone: Zone) -> str:
    if change.what == "platform":
        said = texts.values["listed" if change.after else "unlisted"]
    else:
        template = texts.changes[change.what]
        if change.before is None:
            template = template.replace("{before} -> ", "")
        said = template.format(
            before=_value(change, change.before, texts, zone),
            after=_value(change, change.after, texts, zone),
            stage=texts.stages.get(change.stage or "", ""),
            origin=texts.origins[change.origin] if change.origin else "",
        )
    where = scope_text(change, texts)
    return said if change.what == "final" else f"{where}{texts.colon}{said}"


def scope_text(change: Change, texts: DiffTexts) -> str:
    """For which clicks something changes."""
    scopes = {"platforms": change.platforms, "categories": change.categories, "campaigns": change.campaigns}
    return (
        texts.comma.join(_scope(name, scope, texts) for name, scope in scopes.items() if scope != ALL)
        or texts.everywhere
    )


def _scope(name: str, scope: Scope, texts: DiffTexts) -> str:
    said = texts.scopes[name][scope.all_but].format(names=", ".join(scope.names))
    return (
        said + texts.exceptions[scope.all_but].format(names=", ".join(scope.exceptions)) if scope.exceptions else said
    )


def _value(change: Change, value: object, texts: DiffTexts, zone: Zone) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return texts.values["yes" if value else "no"]
    if isinstance(value, int):
        return duration_text(value)
    if isinstance(value, tuple):
        return _closed(value, texts, zone)
    return texts.values[str(value)] if change.what == "industry" else str(value)


def _closed(spans: Closed, texts: DiffTexts, zone: Zone) -> str:
    if not spans:
        return texts.values["never"]
    said = []
    for begin, end in spans:
        form = {(True, True): "between", (True, False): "from", (False, True): "to"}.get(
            (begin is not None, end is not None), "all"
        )
        times = {"from": "" if begin is None else zone.short(begin), "to": "" if end is None else zone.short(end)}
        said.append(texts.values[form].format_map(times))
    return texts.comma.join(said)
