"""Little stories of results, and what they amount to: what a consumer of `conversion` must get right, one by one.

Each plays under notes of its own, so that a wrong total names its story.
"""

from typing import Final, NamedTuple

from app.consumer_kit.published import Amounts, Totals, Transaction, abort, altered, commit, order, visit, without_money


class Story(NamedTuple):
    """What a consumer that gets it wrong has missed, what is published in which order, and the totals at the end."""

    point: str
    told: tuple[Transaction, ...]
    totals: Totals


def cny(orders: int, gross_minor: int, refunded_minor: int = 0) -> dict[str, Amounts]:
    """The totals of a note in one currency."""
    return {"CNY": Amounts(orders, gross_minor, refunded_minor)}


NULLED = altered(without_money("absent", 2, "void"), gross_minor=None, refunded_minor=None, net_minor=None)
LIVESTREAM = altered(visit("newer", "entry"), kind="livestream", result_id="livestream:e.newer")

ORDER_OF_DELIVERY: Final = (
    Story(
        "a later revision replaces the earlier one",
        (commit(order("grown", 1, 10_000)), commit(order("grown", 4, 10_000, 2_500), order("grown", 7, 10_000, 9_000))),
        {"grown": cny(1, 10_000, 9_000)},
    ),
    Story(
        "a refund that was taken back makes refunded_minor smaller again",
        (commit(order("refund-undone", 1, 10_000, 4_000)), commit(order("refund-undone", 2, 10_000, 0))),
        {"refund-undone": cny(1, 10_000)},
    ),
    Story(
        "the greatest revision is the truth, not the last one delivered",
        (
            commit(order("reordered", 4, 7_000, 500)),
            commit(order("reordered", 3, 100)),
            commit(order("reordered", 1, 50)),
        ),
        {"reordered": cny(1, 7_000, 500)},
    ),
    Story(
        "what is delivered again changes nothing",
        (
            commit(order("repeated", 3, 100), order("repeated", 3, 100)),
            commit(order("repeated", 4, 300), order("repeated", 3, 100)),
            commit(order("repeated", 4, 300), order("repeated", 4, 300)),
        ),
        {"repeated": cny(1, 300)},
    ),
    Story(
        "revisions are numbers: 10 is greater than 9",
        (commit(order("numbers", 9, 100)), commit(order("numbers", 10, 900))),
        {"numbers": cny(1, 900)},
    ),
    Story(
        "the same may be told again under a greater revision",
        (commit(order("confirmed", 2, 5_000, 100)), commit(order("confirmed", 8, 5_000, 100))),
        {"confirmed": cny(1, 5_000, 100)},
    ),
)

OUTCOMES: Final = (
    Story(
        "a void result takes everything back",
        (commit(order("void", 2, 5_000, 100)), commit(without_money("void", 5, "void"))),
        {"void": {}},
    ),
    Story(
        "a void result stands against earlier revisions that come after it",
        (commit(without_money("void-first", 5, "void")), commit(order("void-first", 2, 5_000))),
        {"void-first": {}},
    ),
    Story(
        "a result that was void may come back",
        (commit(order("back", 1, 5_000), without_money("back", 2, "void")), commit(order("back", 6, 4_000))),
        {"back": cny(1, 4_000)},
    ),
    Story(
        "in a void result the note and the amounts may be absent",
        (commit(order("absent", 1, 5_000)), commit(NULLED)),
        {"absent": {}},
    ),
    Story(
        "a closed order is withdrawn: its note loses it, though the record still names the note",
        (commit(order("closed", 1, 5_000)), commit(without_money("closed", 3, "withdrawn"))),
        {"closed": {}},
    ),
    Story(
        "a frozen order is held and brings nothing meanwhile",
        (commit(order("frozen", 1, 5_000)), commit(without_money("frozen", 2, "held"))),
        {"frozen": {}},
    ),
    Story(
        "an order that was released brings its money again",
        (
            commit(order("released", 1, 5_000)),
            commit(without_money("released", 2, "held")),
            commit(order("released", 3, 5_000)),
        ),
        {"released": cny(1, 5_000)},
    ),
    Story(
        "a pending order is none yet",
        (
            commit(without_money("paid-later", 1, "pending"), without_money("unpaid", 1, "pending")),
            commit(order("paid-later", 2, 800)),
        ),
        {"paid-later": cny(1, 800), "unpaid": {}},
    ),
    Story(
        "a refused order belongs to no note, not even to that of its nearest click",
        (
            commit(without_money("refused", 1, "refused")),
            commit(order("lost", 1, 700), without_money("lost", 2, "refused")),
        ),
        {"refused": {}, "lost": {}},
    ),
)

NOTES_AND_CURRENCIES: Final = (
    Story(
        "a credit that moves is taken from the old note and given to the new one",
        (
            commit(order("moved-from", 1, 5_000, 300, of="t.moved moved")),
            commit(order("moved-to", 2, 5_000, 300, of="t.moved moved")),
        ),
        {"moved-from": {}, "moved-to": cny(1, 5_000, 300)},
    ),
    Story(
        "a credit may move back",
        (
            commit(order("there-and-back", 1, 5_000, of="t.back back")),
            commit(order("there", 2, 5_000, of="t.back back")),
            commit(order("there-and-back", 3, 5_000, of="t.back back")),
        ),
        {"there": {}, "there-and-back": cny(1, 5_000)},
    ),
    Story(
        "a move counts by revision as well: what the old note said comes late",
        (
            commit(order("late-to", 9, 5_000, of="t.late late")),
            commit(order("late-from", 4, 5_000, of="t.late late")),
        ),
        {"late-from": {}, "late-to": cny(1, 5_000)},
    ),
    Story(
        "an order may turn out to be in another currency",
        (commit(order("other-currency", 1, 5_000)), commit(order("other-currency", 2, 700, 100, currency="USD"))),
        {"other-currency": {"USD": Amounts(1, 700, 100)}},
    ),
    Story(
        "each currency of a note has totals of its own",
        (
            commit(
                order("currencies", 1, 5_000, of="t.currencies c1"),
                order("currencies", 1, 80, currency="JPY", of="t.currencies c2"),
            ),
        ),
        {"currencies": {"CNY": Amounts(1, 5_000), "JPY": Amounts(1, 80)}},
    ),
    Story(
        "an order that cost nothing is an order",
        (commit(order("free", 1, 0)),),
        {"free": cny(1, 0)},
    ),
    Story(
        "amounts go up to a million million minor units",
        (commit(*(order("large", 1, 10**12 - number, number, of=f"t.large l{number}") for number in range(3))),),
        {"large": cny(3, 3 * 10**12 - 3, 3)},
    ),
)

IDENTITIES: Final = (
    Story(
        "one order id under two tokens is two results",
        (
            commit(
                order("two-tokens", 1, 500, of="t.1st x"),
                order("two-tokens", 2, 500, of="t.2nd x"),
            ),
        ),
        {"two-tokens": cny(2, 1_000)},
    ),
    Story(
        "one token may have many results",
        (commit(order("two-orders", 1, 500, of="t.two-orders y1"), order("two-orders", 2, 600, of="t.two-orders y2")),),
        {"two-orders": cny(2, 1_100)},
    ),
    Story(
        "token and result id are a pair: glued together with a colon, two of them may look the same",
        (
            commit(order("glued", 1, 500, of="t.glued order:z")),
            commit(order("glued", 2, 600, of="t.glued:order z")),
        ),
        {"glued": cny(2, 1_100)},
    ),
    Story(
        "entries, favourites and carts are no orders",
        (commit(visit("visited", "entry"), visit("visited", "favourite"), visit("visited", "cart")),),
        {"visited": {}},
    ),
    Story(
        "fields and kinds that are not known yet are passed over",
        (commit(altered(order("newer", 1, 500), weather="sunny")), commit(LIVESTREAM)),
        {"newer": cny(1, 500)},
    ),
)

TRANSACTIONS: Final = (
    Story(
        "what was aborted was never said: read with isolation level read_committed",
        (commit(order("aborted", 1, 500)), abort(order("aborted", 9, 99_999)), commit(order("aborted", 3, 700))),
        {"aborted": cny(1, 700)},
    ),
    Story(
        "what was only ever aborted does not exist",
        (abort(order("never", 1, 99_999)), abort(order("never", 2, 88_888))),
        {"never": {}},
    ),
    Story(
        "one transaction may hold many revisions of a result",
        (commit(*(order("many-at-once", revision, 100 * revision) for revision in (1, 2, 5, 3))),),
        {"many-at-once": cny(1, 500)},
    ),
)

STORIES: Final = (*ORDER_OF_DELIVERY, *OUTCOMES, *NOTES_AND_CURRENCIES, *IDENTITIES, *TRANSACTIONS)
