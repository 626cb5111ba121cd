"""Whether schemas keep what the released ones promised, so that nobody who goes by those has to change anything.

What others write (inputs) may only be accepted more widely, what Redcat writes (outputs) may only say more: new fields,
and new ones of a list of words.  A change that cannot be judged counts as a break.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, TypeAlias

from app.schemas.types import Schema

Break: TypeAlias = tuple[tuple[str, ...], str]
"""Where, as the names of the fields down to it, and what is wrong there."""

LONGEST: Final = 200

_ANNOTATIONS: Final = {"$schema", "$id", "$defs", "$ref", "title", "description", "examples", "default"}
_GREATER_IS: Final = {"minimum": "narrower", "minLength": "narrower", "maximum": "wider", "maxLength": "wider"}
_JUDGED: Final = {*_GREATER_IS, "type", "enum", "properties", "required", "items", "allOf", "additionalProperties"}


def breaks(released: Mapping[str, Schema], current: Mapping[str, Schema], *, outputs: Collection[str]) -> Iterator[str]:
    """A sentence for everything in `current` that breaks a promise of `released`; `outputs` are what Redcat writes."""
    for name, old in released.items():
        new = current.get(name)
        if new is None:
            yield f"{name}: this record is gone."
        elif new.get("$id") != old.get("$id"):
            yield f"{name}: $id is {new.get('$id')}, it was {old.get('$id')}: another contract."
        else:
            comparison = _Comparison(inputs=name not in outputs)
            for place, what in comparison.of_objects(_expanded(old, old), _expanded(new, new)):
                yield f"{': '.join((name, '.'.join(place))) if place else name}: {what}. {comparison.consequence}"


class _Comparison:
    """Compares two versions of a schema part by part."""

    def __init__(self, *, inputs: bool) -> None:
        self._inputs = inputs
        self.consequence = (
            "Producers that keep to the released schema would be refused or misunderstood."
            if inputs
            else "Readers that go by the released schema do not expect that."
        )

    def of_objects(self, old: Schema, new: Schema) -> Iterator[Break]:
        """What a field's new version, or the whole record's, breaks."""
        for field in old.get("properties", {}):
            if field not in new.get("properties", {}):
                yield (field,), "is gone"
        yield from self._of_parts(old, new, old.get("properties", {}).keys())

    def _of_parts(self, old: Schema, new: Schema, fields: Collection[str], *, rule: bool = False) -> Iterator[Break]:
        """The same for any part; `fields` are those of the object it speaks of, `rule` says it holds on a condition."""
        # Whatever the narrow one accepts must be accepted by the wide one.
        narrow, wide = (old, new) if self._inputs else (new, old)
        if "anyOf" in old or "anyOf" in new:
            yield from self._of_alternatives(narrow, wide)
            return
        yield from self._of_values(old, new)
        for field in wide.get("required", ()):
            if field not in narrow.get("required", ()):
                yield (field,), "is needed now" if self._inputs else "may be absent now"
        for field, bounds in wide.get("properties", {}).items():
            if field in narrow.get("properties", {}):
                yield from _below(field, self.of_objects(old["properties"][field], new["properties"][field]))
            elif field in fields and (self._inputs or rule):
                yield (field,), f"must {'now' if self._inputs else 'no longer'} fit {_short(bounds)}"
        yield from self._of_contents(old, new)
        yield from self._of_rules(old, new, fields)

    def _of_alternatives(self, narrow: Schema, wide: Schema) -> Iterator[Break]:
        for one in narrow.get("anyOf", [narrow]):
            versions = [(one, other) if self._inputs else (other, one) for other in wide.get("anyOf", [wide])]
            if all(any(True for _ in self.of_objects(*version)) for version in versions):
                yield (), f"{'may no longer be' if self._inputs else 'may now be'} {_short(one)}"

    def _of_values(self, old: Schema, new: Schema) -> Iterator[Break]:
        narrow, wide = (old, new) if self._inputs else (new, old)
        if "enum" in old and "enum" in new:
            # Readers must live with new words, but a word that is gone meant something.
            gone = [word for word in old["enum"] if word not in new["enum"]]
            if gone:
                yield (), f"no longer knows {_short(gone)}"
        elif "enum" in wide:
            yield (), f"is {'now' if self._inputs else 'no longer'} one of {_short(wide['enum'])}"
        elif "type" in wide and not _types(narrow) <= _types(wide):
            yield (), f"has type {_short(sorted(_types(new)))}, it was {_short(sorted(_types(old)))}"
        for bound, greater_is in _GREATER_IS.items():
            if bound in wide and not _within(narrow.get(bound), wide[bound], greater_is):
                yield (), f"{bound} is {new.get(bound)}, it was {old.get(bound)}"
        for keyword in wide.keys() - _JUDGED:
            if narrow.get(keyword) != wide[keyword]:
                yield (), f"{keyword} is {_short(new.get(keyword))}, it was {_short(old.get(keyword))}"

    def _of_contents(self, old: Schema, new: Schema) -> Iterator[Break]:
        """Of lists their items, of objects the fields that have no names of their own."""
        for keyword in ("items", "additionalProperties"):
            one, other = old.get(keyword, True), new.get(keyword, True)
            if isinstance(one, dict) and isinstance(other, dict):
                yield from _below("*", self.of_objects(one, other))
            elif one is not other and (other if self._inputs else one) is not True:
                yield ("*",), f"must fit {_short(other)}, it was {_short(one)}"

    def _of_rules(self, old: Schema, new: Schema, fields: Collection[str]) -> Iterator[Break]:
        """Rules that hold on a condition, recognised by that."""
        olds, news = _rules(old), _rules(new)
        for condition in news if self._inputs else olds:
            one, other = olds.get(condition), news.get(condition)
            if one is None or other is None:
                yield (), f"a rule is {'new' if self._inputs else 'gone'}: on {condition}"
            else:
                yield from self._of_parts(one, other, fields, rule=True)


def _expanded(schema: Any, root: Schema) -> Any:
    """A schema with its references replaced by what they stand for, in fewer keywords, without annotations."""
    if not isinstance(schema, dict):
        return schema
    kept = {name: value for name, value in schema.items() if name not in _ANNOTATIONS}
    for name, parts in kept.items():
        if name == "properties":
            kept[name] = {field: _expanded(part, root) for field, part in parts.items()}
        elif name in ("anyOf", "allOf"):
            kept[name] = [_expanded(part, root) for part in parts]
        elif name != "enum":
            kept[name] = _expanded(parts, root)
    if "const" in kept:
        kept["enum"] = [kept.pop("const")]
    if "exclusiveMaximum" in kept:
        kept["maximum"] = kept.pop("exclusiveMaximum") - 1
    if "$ref" in schema:
        shared = _expanded(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
        return shared | {"allOf": [{"then": kept}]} if kept else shared
    return kept


def _rules(schema: Schema) -> dict[str, Schema]:
    return {json.dumps(rule.get("if", True), sort_keys=True): rule["then"] for rule in schema.get("allOf", ())}


def _types(schema: Schema) -> set[str]:
    if "enum" in schema:
        return {_TYPES[type(word)] for word in schema["enum"]}
    return {schema["type"]} if "type" in schema else set(_TYPES.values())


_TYPES: Final = {
    str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null", dict: "object", list: "array"
}  # fmt: skip


def _within(narrow: int | None, wide: int, greater_is: str) -> bool:
    return narrow is not None and (narrow <= wide if greater_is == "wider" else narrow >= wide)


def _below(field: str, found: Iterator[Break]) -> Iterator[Break]:
    return (((field, *place), what) for place, what in found)


def _short(schema: Any) -> str:
    text = json.dumps(schema, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
