"""What backtests say on a terminal, in English and in Chinese."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

from typing import Final, NamedTuple


class BacktestTexts(NamedTuple):
    """One language; what stands in braces is filled in."""

    looking: str
    alerts: str
    rule: str
    scope: str
    began: str
    over: str
    more: str
    no_history: str
    times: str
    kind: str
    planted: str
    found: str
    median: str
    found_of: str
    p95: str
    false: str
    written: str
    setting: str
    false_per_week: str
    at_most: str
    proposal: str
    no_proposal: str


ENGLISH: Final = BacktestTexts(
    looking="going through history",
    alerts="{count} alerts in {days:.1f} days",
    rule="rule",
    scope="about",
    began="began (Shanghai)",
    over="minutes",
    more="... and {count} more: --json tells them all",
    no_history="redcat: there are no series from {start} to {end} in {group}: they are kept for {kept} by the minute",
    times="{rule}: {count}",
    kind="what happened",
    planted="planted",
    found="found",
    median="median, min",
    found_of="found, median min",
    p95="95 % within, min",
    false="false alarms: {count} in {weeks:.1f} weeks, {per_week:.2f} a week (95 %: at most {at_most:.2f})",
    written="chart: {path}",
    setting="false_alarms_per_week of each rule",
    false_per_week="measured, all rules, a week",
    at_most="95 %: at most",
    proposal="proposed: false_alarms_per_week: {rate:g} for each rule; "
    "measured {measured:.2f} a week in all (95 %: at most {most:.2f})",
    no_proposal="no setting stays under {wish:g} a week on this history: raise at_least, or look at what fires",
)

CHINESE: Final = BacktestTexts(
    looking="正在回放历史",
    alerts="{days:.1f} 天内 {count} 条告警",
    rule="规则",
    scope="对象",
    began="开始（上海时间）",
    over="分钟",
    more="…… 另有 {count} 条，--json 可列出全部",
    no_history="redcat：{group} 中从 {start} 到 {end} 没有时间序列（按分钟保留 {kept}）",
    times="{rule}：{count}",
    kind="事件",
    planted="植入",
    found="发现",
    median="中位数（分钟）",
    found_of="发现数，中位分钟数",
    p95="95% 用时（分钟）",
    false="误报：{weeks:.1f} 周内 {count} 次，每周 {per_week:.2f} 次（95% 上限 {at_most:.2f}）",
    written="图表：{path}",
    setting="每条规则的 false_alarms_per_week",
    false_per_week="实测每周误报（全部规则）",
    at_most="95% 上限",
    proposal="建议：每条规则 false_alarms_per_week: {rate:g}；实测每周共 {measured:.2f} 次（95 %：至多 {most:.2f} 次）",
    no_proposal="在这段历史上没有任何设置低于每周 {wish:g} 次：请提高 at_least，或查看触发的规则",
)


def backtest_texts(language: str) -> BacktestTexts:
    """The texts of "zh" or of any other language."""
    return CHINESE if language == "zh" else ENGLISH
