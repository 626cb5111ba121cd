"""What `redcat audit` says in Chinese, and the choice of language."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

from collections.abc import Mapping
from typing import Final

from app.auditing.texts_en import ENGLISH, AuditTexts
from app.texts import language_of

CHINESE: Final = AuditTexts(
    columns={
        "topic": "主题",
        "consumed": "已消费",
        "distinct": "不同事实",
        "absorbed": "已吸收",
        "duplicates": "重复",
        "conflicts": "其中冲突",
        "forwarded": "已转发",
        "invalid": "无效",
        "outcome": "判定",
        "entry": "进店",
        "favourite": "收藏",
        "cart": "加购",
        "order": "订单",
    },
    currency_mismatch="{count} 条订单步骤的币种与订单不同，已忽略",
    reused="{count} 个订单出现在多个 token 下：{orders}",
    more_orders="另有 {count} 个（--json 列出全部）",
    recounted="已由 {journeys} 条旅程重新计数",
    complete="没有旅程过期，全部计数均已比对",
    expired="部分旅程已过期：计数只核对下限，并对 {since} 以来 {hours} 个小时内的点击作精确比对",
    no_hours="部分旅程已过期，且没有足够新的点击可作精确比对；计数只核对下限",
    published="已与主题 conversion 比对 {results} 条结果",
    balances="账目全部相符",
    rest_balances="已核对部分全部相符",
    some="{count} 处不符",
    more="另有 {count} 处同类问题",
    unchecked="未核对：{checks}（{reason}）",
    reading={"journeys": "正在重新计数", "results": "正在读取结果"},
    too_many="多 {count}",
    too_few="少 {count}",
    scopes={"n": "笔记", "p": "活动", "m": "商家", "g": "类目", "c": "渠道"},
    checks={
        "balance": "台账平衡",
        "buckets": "每个事实恰有一个判定",
        "totals": "汇总",
        "recount": "由旅程重新计数",
        "figures": "笔记自身数据",
        "series": "时间序列",
        "results": "已发布的结果",
    },
    reasons={
        "moving": "各 lane 一直在变动；请在流量较少时再运行",
        "outbox": "有结果尚待发布；请让 worker 运行",
        "left_out": "--no-results",
        "retention": "Kafka 已删除最早的结果，缺少的可能就在其中",
    },
    sentences={
        "balance": (
            "lane {lane}，{topic}：已消费 {expected} 条，而 {names} 合计 {found}，{difference}；"
            "请查看该 lane 的台账和 `redcat dlq list --counts --topic {topic}`"
        ),
        "conflicts": "lane {lane}，{topic}：冲突 {found} 条，多于重复 {expected} 条；请查看该 lane 的台账",
        "buckets": (
            "lane {lane}：{topic} 有 {expected} 个不同事实，而 {kinds} 的判定共 {found} 个，{difference}；"
            "请查看该 lane 的台账"
        ),
        "totals": (
            "{row}：汇总中 {name} 为 {found}，而各笔记之和为 {expected}，{difference}；请查看各 lane 汇总中的行 {key}"
        ),
        "counter": (
            "笔记 {note}，单元 {cell}：{name} 为 {found}，而由旅程得 {expected}，{difference}；"
            "请查看 `redcat counters --note {note}`"
        ),
        "counter_too_small": (
            "笔记 {note}，单元 {cell}：{name} 为 {found}，而仅现存旅程即得 {expected}；"
            "请查看 `redcat counters --note {note}`"
        ),
        "line": "台账行 {name} 为 {found}，而由旅程得 {expected}，{difference}；请查看各 lane 的台账",
        "line_too_small": "台账行 {name} 为 {found}，而仅现存旅程即得 {expected}；请查看各 lane 的台账",
        "unreadable": "lane {lane} 中有无法重新计数的内容：{error}；请查看 `redcat explain {token}`",
        "unreadable_note": "笔记 {note} 的最新 note-metric 记录无法重新计数：{error}",
        "figures": (
            "笔记 {note}：{name} 为 {found}，而其最新 note-metric 记录为 {expected}，{difference}；"
            "请查看 `redcat counters --note {note}`"
        ),
        "series_row": (
            "{row}，按点击小时：所比对各小时的 {name} 合计 {found}，而由旅程得 {expected}，{difference}；"
            "请查看各 lane 小时数据中的行 {key}"
        ),
        "series_hour": (
            "点击小时 {time}：所有笔记的 {name} 合计 {found}，而由旅程得 {expected}，{difference}；"
            "请查看各 lane 的 hours:{hour}"
        ),
        "result_missing": (
            "token {token} 的 {result} 从未发布；请查看 `redcat explain {token}` 和 "
            "`redcat results --latest --token {token}`"
        ),
        "result_differs": (
            "token {token} 的 {result} 已发布的内容与其旅程不符：{fields}；请查看 `redcat explain {token}` 和 "
            "`redcat results --latest --token {token}`"
        ),
        "result_stray": (
            "token {token} 的 {result} 已发布，但没有旅程得出它；请查看 `redcat explain {token}` 和 "
            "`redcat results --latest --token {token}`"
        ),
    },
)


def audit_texts(language: str | None, environment: Mapping[str, str]) -> AuditTexts:
    """The texts of `language` ("zh" or "en"), else of the locale that the environment names."""
    return CHINESE if language_of(language, environment) == "zh" else ENGLISH
