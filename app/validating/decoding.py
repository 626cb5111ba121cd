"""Records of any input topic through the decoder that reads them in earnest."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from streams.codec import FACT_TYPES, Decoded, InvalidRecord, decode_records
from streams.core.facts import MAX_RECORD_BYTES
from streams.core.policy import Policy, parse_policy
from streams.records import Record

POLICY: Final = "policy"

KNOWN_FIELDS: Final = {topic: kind.__struct_fields__ for topic, kind in (*FACT_TYPES.items(), (POLICY, Policy))}
"""By topic the fields that are read."""

_NEEDED_BY_POLICIES: Final = [field.name for field in msgspec.structs.fields(Policy) if field.required]
_decode: Final = msgspec.json.Decoder().decode


def decoded(topic: str, records: Sequence[Record]) -> Decoded:
    """The facts or policies of a topic, and what is none, by record and with its reason."""
    if topic != POLICY:
        return decode_records(topic, records)
    found = Decoded([], [], [])
    for record in records:
        try:
            found.facts.append(_policy(record.key, record.value))
            found.sources.append(record)
        except InvalidRecord as problem:
            found.invalid.append((record, problem.code, problem.message))
    return found


def _policy(key: bytes | None, value: bytes | None) -> Policy:
    if value is not None and len(value) > MAX_RECORD_BYTES:
        raise InvalidRecord("too_large", f"{len(value)} bytes, at most {MAX_RECORD_BYTES} are read")
    try:
        document = _decode(value or b"")
    except (ValueError, RecursionError) as error:
        raise InvalidRecord("not_json", f"not JSON in UTF-8: {error}" if value else "empty") from None
    if not isinstance(document, dict):
        raise InvalidRecord("not_json", "not a JSON object")
    missing = [name for name in _NEEDED_BY_POLICIES if document.get(name) is None]
    if missing:
        raise InvalidRecord("missing_field", f"missing: {', '.join(missing)}")
    try:
        policy = parse_policy(document)
    except ValueError as error:
        raise InvalidRecord("bad_field", str(error)) from None
    if key != str(policy.version).encode():
        raise InvalidRecord("key_mismatch", "the key is absent" if key is None else "the key is not the version")
    return policy


def fields_of(value: bytes | None) -> dict[str, Any]:
    """What an object says, by name; empty for what is none."""
    try:
        found = _decode(value or b"")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
