"""What each field of a record means, in words; a field means the same wherever it stands."""

from typing import Final

OF_FACTS: Final = {
    "token": "Tracking token, minted by the click-out and carried by everything that follows from it.",
    "event_id": "Identifies the fact within its topic and token (or note). Sent again, it is the same fact.",
    "at_ms": "When it happened, by the clock of the one who says so.",
    "note_id": "The note.",
    "note_kind": "ad: the note is advertising; ugc: it is a user's own.",
    "link": "Where the link stood: in the note itself or in a comment under it.",
    "platform": "The shop's marketplace: taobao, tmall, jd, xhs (the in-app shop), or another that the policy lists.",
    "merchant_id": "The merchant whose shop it is.",
    "category": "What the shop sells: an id with dots, such as fmcg.skincare.",
    "campaign_id": "The campaign that the note belongs to.",
    "creator_id": "Who wrote the note.",
    "poster_id": "Who posted the comment link.",
    "boost_id": "The traffic support that brought the reader to the note.",
    "action": "favourite: the item was saved for later; cart: it was put in the cart.",
    "order_id": "The smallest unit that is refunded or closed on its own; unique across platforms.",
    "status": "Which step in the life of the order this is.",
    "amount_minor": "Read with deposit, paid and refunded only. With paid: all that was paid, deposit and shipping in.",
    "currency": "Read with deposit, paid and refunded only: ISO 4217.",
    "refund_id": "Read with refunded only. The latest step of a refund id counts; 0 takes the refund back.",
}

OF_METRICS: Final = OF_FACTS | {
    "at_ms": "Up to when the figures count.",
    "reads": "How often the note was read, ever.",
    "likes": "How many people like it.",
    "saves": "How many people saved it.",
    "comments": "How many comments it has.",
    "shares": "How often it was shared.",
}

OF_POLICIES: Final = {
    "version": "Unique; also the record's key, in decimal.",
    "effective_from_ms": "The policy judges clicks from this event time on, until the next one does.",
    "windows": "How long after a click a fact of each stage may come; all four are needed here.",
    "model": "last_click: the latest click that fits gets all the credit.",
    "lead": "How much earlier than its click a fact may seem to be, as clocks differ.",
    "retention_slack": "How much longer than its longest window a journey is kept after its last record.",
    "order_life": "How long a journey with an order is kept after its last record.",
    "industries": "Open categories: the category or its nearest listed ancestor decides, else *, else closed.",
    "platforms": "The known platforms, and what each sets for itself.",
    "links": "A click is allowed if one line fits.",
    "gates": "Times in which clicks to a platform or category do not count.",
    "categories": "What categories set for themselves and everything below them.",
    "campaigns": "What campaigns set for themselves.",
}

OF_RESULTS: Final = {
    "result_id": "What it is about: entry:, favourite: or cart: and an event id, or order: and an order id.",
    "revision": "Grows per token and result id; the record with the greatest one is the truth.",
    "kind": "What it is about.",
    "outcome": "What became of it; void: it ceased to exist, because a record that contradicts it won.",
    "reason": "Why it is not credited; null when it is.",
    "token": OF_FACTS["token"],
    "platform": "The marketplace of the fact.",
    "merchant_id": "The merchant of the fact.",
    "at_ms": "When it happened; of an order, when it was first paid, or began while it is not paid.",
    "note_id": "The note that gets the credit, or would if the order were paid, released or not closed.",
    "note_kind": OF_FACTS["note_kind"],
    "link": OF_FACTS["link"],
    "campaign_id": OF_FACTS["campaign_id"],
    "creator_id": OF_FACTS["creator_id"],
    "poster_id": OF_FACTS["poster_id"],
    "boost_id": OF_FACTS["boost_id"],
    "category": OF_FACTS["category"],
    "click_id": "Event id of the click that gets the credit, or would.",
    "click_at_ms": "When that click happened.",
    "nearest_note_id": "When refused: the note of the click that came closest to fitting.",
    "nearest_click_id": "When refused: event id of that click.",
    "order_id": "Of orders: the order.",
    "status": "Of orders: the latest step.",
    "gross_minor": "Of credited orders: what was paid.",
    "refunded_minor": "Of credited orders: what was refunded, at most what was paid.",
    "net_minor": "The difference.",
    "currency": "Of orders: ISO 4217; null while no step has told it.",
    "policy_version": "The policy that judged the click that won or came closest.",
    "final_at_ms": "Once all input up to here is in, only later order steps or contradictions can change the result.",
}

OF_RESULT_HEADERS: Final = {
    "ce_specversion": "Version of CloudEvents, binary mode.",
    "ce_id": "RESULT_ID@REVISION.",
    "ce_source": "The namespace that published it.",
    "ce_type": "redcat.conversion. and the result's kind.",
    "ce_time": "When the result was computed.",
    "content_type": "Of the record's value.",
}

OF_DEAD_LETTERS: Final = {
    "code": "What is wrong, the first that applies.",
    "message": "What is wrong, in words for people; they may change.",
    "topic": "Where the record stood, without the configured prefix.",
    "partition": "Its partition, in decimal.",
    "offset": "Its offset, in decimal.",
    "timestamp": "Its timestamp in ms, in decimal.",
    "key": "Its key, byte for byte; absent if it had none.",
}

OF_ALERTS: Final = {
    "alert_id": "The same through the life of an alert.",
    "rule": "Name of the rule, as in the rules file.",
    "scope": "What kind of thing is in trouble.",
    "id": 'Which one; "*" of the only scope of kind all.',
    "state": "What it came to: pending until the rule is sure, firing, resolved.",
    "since_ms": "Since when something is wrong, as well as can be told.",
    "at_ms": "When this transition was seen.",
    "severity": "How loud it is.",
    "metric": "What is measured: a rate, a share, a volume, or how late facts are.",
    "observed": "The metric since `since_ms`: a rate, or a number.",
    "expected": "What it would usually be.",
    "sample": "How many clicks, orders or facts have had the time to show it.",
    "reason": "drop or surge; of an end: recovered, cancelled (it never fired), part_of ALERT_ID, no_data.",
    "summary": "One sentence for people; it may change.",
    "affected": "Scopes within it that are in the same trouble, KIND:ID, the worst first.",
    "missing_per_hour": "How many are missing an hour: estimate, low and high end of a 95 % interval.",
    "lost_minor_per_hour": "The same in money, in minor units.",
    "currency": "Of the money.",
}
