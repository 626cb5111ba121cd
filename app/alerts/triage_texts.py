"""Words of messages about alerts, in English and in Chinese."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

from collections.abc import Mapping
from typing import Final, NamedTuple


class TriageTexts(NamedTuple):
    """One language; what stands in braces is filled in."""

    metrics: Mapping[str, str]
    scopes: Mapping[str, str]
    severities: Mapping[str, str]
    states: Mapping[str, str]
    events: Mapping[str, str]
    reasons: Mapping[str, str]
    broken: str
    costs: str
    resolved: str
    since: str
    sample: str
    loses: str
    affected: str
    moved: str
    more: str
    fewer: str
    alert: str
    dashboard: str


ENGLISH: Final = TriageTexts(
    metrics={
        "entry_rate": "clicks that lead to a shop entry", "cart_rate": "entries that lead to a cart",
        "order_rate": "clicks that lead to an order", "refund_rate": "share of money refunded",
        "refused_share": "share of facts refused", "dead_letter_share": "share of invalid records",
        "clicks": "clicks", "entries": "shop entries", "orders": "orders", "consumed": "records",
        "lateness_s": "lateness of facts",
    },
    scopes={
        "all": "everything", "topic": "topic", "platform": "platform", "category": "category", "link": "link",
        "campaign": "campaign", "merchant": "merchant", "note": "note",
    },
    severities={"info": "info", "warning": "warning", "critical": "critical"},
    states={"pending": "pending", "firing": "firing", "resolved": "resolved"},
    events={"firing": "FIRING", "repeated": "STILL FIRING", "resolved": "RESOLVED", "test": "TEST"},
    reasons={
        "recovered": "as usual again", "cancelled": "it did not last", "part_of": "it is part of alert {}",
        "no_data": "nothing is known of it any more",
    },
    broken="{what} of {where}: {observed} instead of {expected}",
    costs=", about {money} an hour",
    resolved="{what} of {where}: {why}",
    since="since {since}, seen at {at} (Shanghai)",
    sample="judged on {sample} by rule {rule}",
    loses="about {money} an hour is being lost (95 %: {interval})",
    affected="affected, the worst first: {scopes}",
    moved="{where}: {before} → {now}",
    more="more",
    fewer="fewer",
    alert="alert {alert_id}",
    dashboard="dashboard: {link}",
)  # fmt: skip

CHINESE: Final = TriageTexts(
    metrics={
        "entry_rate": "点击进店率", "cart_rate": "进店加购率", "order_rate": "点击下单率",
        "refund_rate": "退款金额占比", "refused_share": "拒计占比", "dead_letter_share": "无效记录占比",
        "clicks": "点击数", "entries": "进店数", "orders": "订单数", "consumed": "记录数", "lateness_s": "数据延迟",
    },
    scopes={
        "all": "全部", "topic": "主题", "platform": "平台", "category": "类目", "link": "链接类型",
        "campaign": "计划", "merchant": "商家", "note": "笔记",
    },
    severities={"info": "提示", "warning": "警告", "critical": "严重"},
    states={"pending": "待确认", "firing": "触发中", "resolved": "已恢复"},
    events={"firing": "告警", "repeated": "仍在告警", "resolved": "已恢复", "test": "测试"},
    reasons={
        "recovered": "已恢复正常", "cancelled": "未持续", "part_of": "属于告警 {}", "no_data": "已无数据",
    },
    broken="{where}的{what}：{observed}，正常应为 {expected}",
    costs="，每小时约损失 {money}",
    resolved="{where}的{what}：{why}",
    since="自 {since} 起，于 {at} 发现（北京时间）",
    sample="依据样本 {sample}，规则 {rule}",
    loses="每小时约损失 {money}（95% 区间：{interval}）",
    affected="受影响范围，最严重的在前：{scopes}",
    moved="{where}：{before} → {now}",
    more="增多",
    fewer="减少",
    alert="告警编号 {alert_id}",
    dashboard="看板：{link}",
)  # fmt: skip
