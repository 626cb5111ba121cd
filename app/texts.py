"""What Redcat says on a terminal, in English and in Chinese."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

from collections.abc import Mapping
from typing import Final, NamedTuple


class Texts(NamedTuple):
    """One language; what stands in braces is filled in."""

    note: str
    reads: str
    reactions: str
    clicks: str
    refused: str
    entries: str
    entry_rate: str
    favourites: str
    carts: str
    orders: str
    order_rate: str
    unsettled: str
    gross: str
    refunded: str
    refund_rate: str
    net: str
    of_clicks: str
    all_notes: str
    sent: str
    absorbed: str
    results: str
    lag: str
    per_second: str
    sending: str
    absorbing: str
    comparing: str
    starting: str
    started: str
    making_topics: str
    planted: str
    log: str
    dashboard: str
    stays: str
    title: str
    stop: str
    no_counters: str
    nothing_chosen: str
    unknown_note: str


ENGLISH: Final = Texts(
    note="note",
    reads="reads",
    reactions="likes/saves/comm./shares",
    clicks="clicks",
    refused="refused",
    entries="entries",
    entry_rate="entry %",
    favourites="favourites",
    carts="carts",
    orders="orders",
    order_rate="order %",
    unsettled="pend/held/closed",
    gross="gross",
    refunded="refunded",
    refund_rate="refund %",
    net="net",
    of_clicks="of clicks",
    all_notes="all {notes} notes",
    sent="sent",
    absorbed="absorbed",
    results="results",
    lag="{lag} behind",
    per_second="{rate} events/s",
    sending="events are sent and absorbed",
    absorbing="all is sent, the rest is being absorbed",
    comparing="comparing every counter and every result with the simulator's truth",
    starting="starting Kafka and Valkey",
    started="Kafka at {kafka} and Valkey at {redis}, both ready after {seconds} s",
    making_topics="making topics, starting a worker",
    planted="planted: {kind} on {scope} {id} from {start} to {end} of the traffic's time; watch for its alert",
    log="the worker's log: {path}",
    dashboard="the dashboard: {address}",
    stays="everything goes on until Ctrl-C, with new traffic; the dashboard: {address}\n"
    "in another terminal: REDCAT_REDIS={redis} redcat counters",
    title="redcat demo, seed {seed}",
    stop="Ctrl-C stops everything",
    no_counters="no counters yet: `redcat worker` writes them when events come, such as those of `redcat simulate`",
    nothing_chosen="nothing is counted for this choice",
    unknown_note="redcat: no event of note {note} was counted in {group}",
)

CHINESE: Final = Texts(
    note="笔记",
    reads="阅读",
    reactions="点赞/收藏/评论/分享",
    clicks="点击",
    refused="拒计",
    entries="进店",
    entry_rate="进店率",
    favourites="商品收藏",
    carts="加购",
    orders="订单",
    order_rate="下单率",
    unsettled="待付/冻结/关闭",
    gross="成交额",
    refunded="退款",
    refund_rate="退款率",
    net="净额",
    of_clicks="占点击",
    all_notes="全部 {notes} 篇笔记",
    sent="已发送",
    absorbed="已处理",
    results="结果",
    lag="落后 {lag}",
    per_second="每秒 {rate} 条事件",
    sending="正在发送并处理事件",
    absorbing="已全部发送，正在处理剩余事件",
    comparing="正在把每个计数和每条结果与模拟器的真值逐一核对",
    starting="正在启动 Kafka 和 Valkey",
    started="Kafka 在 {kafka}，Valkey 在 {redis}，{seconds} 秒后均已就绪",
    making_topics="正在创建主题并启动 worker",
    planted="已植入故障：{kind}，{scope} {id}，模拟时间 {start} 至 {end}；请留意告警",
    log="worker 的日志：{path}",
    dashboard="看板：{address}",
    stays="服务与新的流量继续运行，按 Ctrl-C 结束；看板：{address}\n"
    "可在另一个终端运行：REDCAT_REDIS={redis} redcat counters",
    title="redcat 演示，种子 {seed}",
    stop="按 Ctrl-C 停止",
    no_counters="还没有计数：有事件（例如 `redcat simulate` 产生的）之后，由 `redcat worker` 写入",
    nothing_chosen="所选范围内没有计数",
    unknown_note="redcat：在 {group} 中没有笔记 {note} 的任何事件",
)


def language_of(wanted: str | None, environment: Mapping[str, str]) -> str:
    """Zh or en: the wanted one, else that of the locale that the environment names."""
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name))), "")
    return "zh" if (wanted or locale).startswith("zh") else "en"


def texts(language: str | None, environment: Mapping[str, str]) -> Texts:
    """The texts of `language` ("zh" or "en"), else of the locale that the environment names."""
    return CHINESE if language_of(language, environment) == "zh" else ENGLISH
