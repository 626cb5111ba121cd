"""What the schema of a record says beyond the types of its fields: which values go together."""

from collections.abc import Iterable
from typing import Any, Final, get_args

from app.schemas.types import Schema, type_schema
from streams.core.credit import Reason
from streams.core.facts import CARRIES_AMOUNT, Id, Status
from streams.core.policy import Stage, Windows

NULL: Final[Schema] = {"type": "null"}
PRESENT: Final[Schema] = {"not": NULL}

OF_THE_FACT: Final = ("platform", "merchant_id", "at_ms")
OF_THE_WINNER: Final = ("note_id", "note_kind", "link", "category", "click_id", "click_at_ms")
MAYBE_OF_THE_WINNER: Final = ("campaign_id", "creator_id", "poster_id", "boost_id")
OF_THE_NEAREST: Final = ("nearest_note_id", "nearest_click_id")
OF_THE_POLICY: Final = ("policy_version", "final_at_ms")
OF_AN_ORDER: Final = ("order_id", "status")
MONEY: Final = ("gross_minor", "refunded_minor", "net_minor")
UNCREDITED: Final = {"pending": "not_paid", "held": "order_frozen", "withdrawn": "order_closed"}


def of_orders(schema: Schema, _: dict[str, Schema]) -> None:
    """Amount, currency and refund id are needed on the statuses that carry them; on others anything may stand there."""
    properties = schema["properties"]
    carrying = [status for status in get_args(Status) if status in CARRIES_AMOUNT]
    schema["allOf"] = []
    for statuses, names in ((carrying, ("amount_minor", "currency")), (["refunded"], ("refund_id",))):
        read = {name: properties[name].pop("anyOf")[0] for name in names}
        given = {"properties": {"status": {"enum": statuses}}, "required": ["status"]}
        schema["allOf"].append({"if": given, "then": {"properties": read, "required": list(names)}})


def of_policies(schema: Schema, defs: dict[str, Schema]) -> None:
    """All four windows are needed at the top level, and "*" is no platform, category or campaign."""
    stages = Windows.__struct_fields__
    schema["properties"]["windows"] |= {"required": list(stages), "properties": dict.fromkeys(stages, PRESENT)}
    for place in ("platforms", "categories", "campaigns"):
        schema["properties"][place]["propertyNames"] = type_schema(Id, defs)


def of_results(schema: Schema, _: dict[str, Schema]) -> None:
    """Which fields say something follows from outcome, reason and kind."""
    refusals = [reason for reason in get_args(Reason) if reason not in UNCREDITED.values()]
    winner = _all(OF_THE_FACT, PRESENT) | _all(OF_THE_WINNER, PRESENT) | _all(OF_THE_NEAREST, NULL)
    winner |= _all(OF_THE_POLICY, PRESENT)
    nobody = _all((*OF_THE_WINNER, *MAYBE_OF_THE_WINNER), NULL)
    no_money = _all(MONEY, {"const": 0})
    void = nobody | no_money | _all((*OF_THE_FACT, *OF_THE_NEAREST, *OF_THE_POLICY, *OF_AN_ORDER, "currency"), NULL)
    rules = [_when("outcome", "credited", {"reason": NULL} | winner)]
    for outcome, reason in UNCREDITED.items():
        rules.append(_when("outcome", outcome, {"reason": {"const": reason}, "kind": _order} | winner | no_money))
    refused = {"reason": {"enum": refusals}} | _all(OF_THE_FACT, PRESENT) | nobody | no_money
    rules.append(_when("outcome", "refused", refused))
    for reason in refusals:
        said = NULL if reason == "no_click" else PRESENT
        rules.append(_when("reason", reason, _all((*OF_THE_NEAREST, *OF_THE_POLICY), said)))
    rules.append(_when("outcome", "void", {"reason": {"const": "superseded"}} | void))
    for kind in get_args(Stage):
        of_kind = {"result_id": {"pattern": f"^{kind}:"}}
        if kind != "order":
            of_kind |= _all((*OF_AN_ORDER, "currency"), NULL) | no_money
        rules.append(_when("kind", kind, of_kind))
    schema["allOf"] = rules


_order: Final[Schema] = {"const": "order"}


def _all(names: Iterable[str], schema: Schema) -> dict[str, Schema]:
    return dict.fromkeys(names, schema)


def _when(name: str, value: str, then: dict[str, Any]) -> Schema:
    return {"if": {"properties": {name: {"const": value}}, "required": [name]}, "then": {"properties": then}}
