"""What `redcat explain` says, in the language wanted; here in Chinese."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

from typing import Final

from app.explaining.texts_en import ENGLISH, ExplainTexts

CHINESE: Final = ExplainTexts(
    journey="旅程 {token}",
    counts={
        "click": "{count} 次点击",
        "entry": "{count} 次进店",
        "favourite": "{count} 次收藏",
        "cart": "{count} 次加购",
        "order": "{count} 个订单",
        "lost": "{count} 条落败的冲突内容",
    },
    kept="若无新记录，保留至 {until}",
    kept_for_ever="永久保留",
    policies="按策略版本 {versions} 计算",
    times="时间为 {zone} 时间",
    timeline="经过",
    results="判定",
    facts={
        "click": "点击 {event}：{origin} -> {shop}，{category}",
        "entry": "进店 {event}：{shop}",
        "favourite": "收藏 {event}：{shop}",
        "cart": "加购 {event}：{shop}",
        "step": "订单 {order} {status}（{event}）：{shop}",
    },
    statuses={
        "deposit": "付定金",
        "paid": "已付款",
        "received": "已收货",
        "settled": "已结算",
        "closed": "已关闭",
        "refunded": "退款",
        "frozen": "冻结",
        "unfrozen": "解冻",
    },
    origins={
        ("note", "ad"): "广告笔记 {note} 的链接",
        ("note", "ugc"): "普通笔记 {note} 的链接",
        ("comment", "ad"): "广告笔记 {note} 评论区的链接",
        ("comment", "ugc"): "普通笔记 {note} 评论区的链接",
    },
    campaign="活动 {name}",
    accepted="按策略 {version} 接受",
    refusals={
        "platform_unknown": "按策略 {version} 拒计：未列出平台 {platform}，只有 {listed}",
        "category_closed": "按策略 {version} 拒计：品类 {category} 未开放，{industry}",
        "gate_closed": "按策略 {version} 拒计：{gate}",
        "link_unauthorised": "按策略 {version} 拒计：这种链接不得通往 {platform}",
    },
    no_industry="industries 中没有适用的一行",
    industry={"platform": '依据 {platform} 的 industries 中的 "{name}"', "top": '依据 industries 中的 "{name}"'},
    gate={
        True: "{platform}、{category} 的闸门自 {from} 至 {to} 关闭",
        False: "{platform}、{category} 的闸门自 {from} 起关闭",
    },
    anything="全部",
    won="赢得 {results}",
    lost={
        "later": "不计：同一 event id 的另一条记录时间更晚（{time}），以它为准",
        "greater": "不计：同一 event id、同一时间的另一条记录按规范 JSON 更大，以它为准",
    },
    roles={
        "base": "订单的基准：订单的时间、店铺和金额取自这一步",
        "other_currency": "忽略：币种与订单基准不同",
        "refund": "退款 {refund} 的最新一步，以它为准",
        "refund_replaced": "已被退款 {refund} 的后续一步取代",
        "closes": "订单就此关闭",
        "freezes": "订单因此冻结",
        "releases": "订单因此解冻",
        "hold_replaced": "是否冻结由后续步骤决定",
        "status": "决定订单状态",
    },
    outcomes={
        "credited": "计入笔记 {note} 的点击 {click}",
        "order_closed": "撤回：订单已关闭；本应计入笔记 {note} 的点击 {click}",
        "not_paid": "待定：订单未付款；付款后计入笔记 {note} 的点击 {click}",
        "order_frozen": "暂扣：订单已冻结；解冻后计入笔记 {note} 的点击 {click}",
        "no_click": "拒计：该 token 下没有点击",
        "other_shop": "拒计：没有点击通往这家店",
        "before_click": "拒计：通往这家店的点击都来得太晚",
        "window_passed": "拒计：所有窗口都已过去",
        "click_refused": "拒计：符合条件的点击本身已被拒计",
    },
    final="自 {time} 起，除订单步骤和冲突外不再变化",
    verdicts={
        "won": "胜出",
        "not_last": "符合条件，但更晚的点击胜出",
        "other_shop": "通往另一家店 {shop}",
        "before_click": "来得太晚：事实比提前量允许的还早 {missed}",
        "window_passed": "窗口已在 {missed} 之前结束",
        "window_ended": "窗口恰在此刻结束",
        "click_refused": "符合条件，但点击本身被拒计（{refusal}）",
    },
    after={"after": "点击之后 {span}", "before": "点击之前 {span}", "same": "与点击同时"},
    terms="窗口 {window}（{window_source}），提前量 {lead}（{lead_source}），策略 {version}",
    sources={"campaign": "活动 {name}", "category": "品类 {name}", "platform": "平台 {name}", "top": "默认"},
    others="另有 {count} 次点击",
    money="成交额 {gross}，其中退款 {refunded}，净额 {net}",
    refund="退款 {refund}：{amount}（{event}）",
    replaced="，取代 {events}",
    capped="退款合计 {sum}，但最多按订单金额计",
    held="解冻后计入 {amount}",
    superseded="以下结果已不存在，只有落败的记录才会产生：{results}",
    reused="订单 {order} 出现在 {count} 个 token 下，在每个 token 下都计入。",
    comma="，",
    unknown="redcat：{group} 中没有 {what} 的任何内容：从未到达、旅程已过期，或已按请求遗忘",
    token="token {id}",  # noqa: S106  # no secret
    order="订单 {id}",
)


def explain_texts(language: str) -> ExplainTexts:
    """The texts of "zh" or of any other language."""
    return CHINESE if language == "zh" else ENGLISH
