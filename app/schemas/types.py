"""From a Python type to the JSON Schema of the values that it stands for."""

import re
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec

from streams.core.facts import ID_PATTERN, Currency, Id, Millis, Minor
from streams.core.policy import Duration, PolicyId

Schema: TypeAlias = dict[str, Any]

ResultId: TypeAlias = Annotated[str, msgspec.Meta(pattern=rf"^(entry|favourite|cart|order):{ID_PATTERN}$")]


def _text(title: str, pattern: str, **more: Any) -> Schema:
    # Some regular expression engines let $ match before a line break at the very end, where nothing may stand.
    return {"title": title} | more | {"type": "string", "pattern": pattern, "not": {"pattern": "\n"}}


def _whole_number(title: str, description: str, **limits: int) -> Schema:
    description += ", written without fraction or exponent."
    return {"title": title, "description": description, "type": "integer"} | limits


_LENGTH: Final = "A whole number of seconds, minutes, hours or days; at most 2^43 ms."
_NAMED: Final[tuple[tuple[Any, str, Schema], ...]] = (
    (Id, "id", _text("Identifier", f"^{ID_PATTERN}$")),
    (PolicyId, "id_or_any", _text("Identifier, or * for any", rf"^(\*|{ID_PATTERN})$")),
    (ResultId, "result_id", _text("Result id", f"^(entry|favourite|cart|order):{ID_PATTERN}$")),
    (Currency, "currency", _text("Currency", "^[A-Z]{3}$", description="Three capital letters, as in ISO 4217.")),
    (Duration, "duration", _text("Duration", "^[0-9]+[smhd]$", description=_LENGTH)),
    (
        Millis,
        "time_ms",
        _whole_number("Time", "Milliseconds since 1970 UTC", minimum=10**12, exclusiveMaximum=2**43),
    ),
    (
        Minor,
        "amount_minor",
        _whole_number("Amount", "Minor units of the currency (fen for CNY)", minimum=0, maximum=10**12),
    ),
)


def object_schema(
    kind: type[msgspec.Struct],
    defs: dict[str, Schema],
    described: Mapping[str, str],
    *,
    narrowed: Mapping[str, Any] | None = None,
    whole: bool = False,
) -> Schema:
    """The schema of a struct; shared parts go to `defs`.

    `described` says what each field means, `narrowed` gives types that say more than those of the struct.
    `whole`: it is always written with all its fields, null where one has nothing to say.
    """
    hints = get_type_hints(kind, include_extras=True) | dict(narrowed or {})
    properties: dict[str, Schema] = {}
    for field in msgspec.structs.fields(kind):
        text = described.get(field.name)
        default = {"default": field.default} if isinstance(field.default, str | int) and not whole else {}
        description = {} if text is None else {"description": text}
        properties[field.encode_name] = description | type_schema(hints[field.name], defs) | default
    return {
        "type": "object",
        "properties": properties,
        "required": [field.encode_name for field in msgspec.structs.fields(kind) if _is_needed(field, whole=whole)],
        "additionalProperties": not kind.__struct_config__.forbid_unknown_fields,
    }


def _is_needed(field: msgspec.structs.FieldInfo, *, whole: bool) -> bool:
    return field.required or (whole and field.default is not msgspec.UNSET)


def type_schema(hint: Any, defs: dict[str, Schema]) -> Schema:
    """The schema of a type; shared parts go to `defs`."""
    for alias, name, definition in _NAMED:
        if hint == alias:
            defs.setdefault(name, definition)
            return {"$ref": f"#/$defs/{name}"}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _union([member for member in arguments if member is not msgspec.UnsetType], defs)
    if origin is list:
        return {"type": "array", "items": type_schema(arguments[0], defs)}
    if origin is dict:
        names, values = (type_schema(argument, defs) for argument in arguments)
        return {"type": "object", "propertyNames": names, "additionalProperties": values}
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _reference(hint, defs)
    return _plain(hint)


def _union(members: list[Any], defs: dict[str, Schema]) -> Schema:
    values = [value for member in members if get_origin(member) is Literal for value in get_args(member)]
    others = [member for member in members if get_origin(member) is not Literal]
    if values and others in ([], [NoneType]):
        return {"enum": [*values, *(None for _ in others)]}
    schemas = [type_schema(member, defs) for member in members]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _reference(kind: type[msgspec.Struct], defs: dict[str, Schema]) -> Schema:
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
    if name not in defs:
        defs[name] = {"description": first_line(kind)} | object_schema(kind, defs, {})
    return {"$ref": f"#/$defs/{name}"}


def _plain(hint: Any) -> Schema:
    if get_origin(hint) is Literal:
        values = list(get_args(hint))  # in their order, which msgspec would sort
        return {"const": values[0]} if len(values) == 1 else {"enum": values}
    return msgspec.json.schema(hint)


def first_line(kind: type[msgspec.Struct]) -> str:
    """What a struct's docstring says of it."""
    return (kind.__doc__ or "").partition("\n")[0]
